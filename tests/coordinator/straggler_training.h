// The work of a StragglerWorld in earnest: members train on their parts, and versions are the sums
// of what they hand in, by the production trainer, ring and version builder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "common/thread_pool.h"
#include "tests/coordinator/straggler_world.h"
#include "training/trainer.h"

namespace muster::coordinator {

class StragglerTraining : public StragglerWork {
 public:
  /// An evaluated version.
  struct Point {
    MonotonicMs at = 0;  ///< When it was committed.
    Version version = 0;
    std::uint64_t updates = 0;  ///< That count in it and in those before it.
    double accuracy = 0;
  };

  /// Evaluates version 0, and each one that is committed `evaluate_every_ms` or more after the last
  /// evaluated one. Errors: as CheckExamples. REQUIRES: ValidateJob passes; no client-side state.
  static Result<std::unique_ptr<StragglerTraining>> Create(const JobSpec& job,
                                                           const DataOptions& data,
                                                           MonotonicMs evaluate_every_ms);

  /// Begins with version 0 at time 0.
  const std::vector<Point>& curve() const { return curve_; }
  /// Of the last version committed.
  const VersionManifest& head() const { return head_; }
  /// The updates that count.
  std::uint64_t counted() const { return counted_; }
  /// Their staleness, summed.
  std::uint64_t staleness() const { return staleness_; }

  VersionManifest Initial() override;
  Update Train(const TaskOrder& task) override;
  void OpenSum(const std::vector<TensorScale>& scales) override;
  void Fold(const muster::coordinator::Fold& fold) override;
  Event Build(const BuildVersion& build) override;
  void Commit(const RoundRecord& record, MonotonicMs now) override;

 private:
  StragglerTraining(const JobSpec& job, const DataOptions& data, MonotonicMs evaluate_every_ms);

  Trainer& TrainerOf(std::uint32_t part);
  void Evaluate(MonotonicMs now);

  const JobSpec job_;
  const DataOptions data_;
  const MonotonicMs evaluate_every_ms_;
  const std::unique_ptr<Strategy> strategy_;
  std::map<std::uint32_t, std::unique_ptr<Trainer>> trainers_;  ///< By part, made when needed.
  const LaneSet lanes_;
  ThreadPool pool_{1};
  RingSum sum_;
  std::map<Version, ParameterSet> versions_;  ///< Those that an update may still be trained on.
  VersionManifest head_, built_;
  std::map<UpdateId, ParameterSet> updates_;  ///< Those that may still be folded.
  std::vector<Point> curve_;
  std::uint64_t counted_ = 0, staleness_ = 0;
};

}  // namespace muster::coordinator
