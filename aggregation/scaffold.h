// SCAFFOLD (Karimireddy 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning",
// algorithm 1 with option II): control variates take out of each local step what makes a slot's
// data differ from everybody's.
#pragma once

#include <array>

#include "aggregation/mean_delta.h"

namespace muster {

/// The server keeps the control variate c and hands it out with the model x; each part i keeps its
/// own, c_i, as client-side state (the tensors' bytes; at first zero), which counts only once its
/// update does. With K local steps of rate e (train.learning_rate), each of which is corrected by
/// c_i - c in the trainer (LocalTraining::control_variates), and y the trained model, an update is
/// two lanes of weight one (the paper weighs no slot):
///   "delta"    y - x
///   "control"  (float)((double)c_i_new - c_i), where
///              c_i_new = (float)(((double)c_i - c) - ((double)(y - x) / ((double)K * e)))
/// With r the server learning rate and N = data.parts, in double and every operation rounded once,
/// to nearest even:
///   new model = (float)(model + (r * RingMean of "delta"))
///   new c     = (float)(c + (RingMean of "control", whose denominator is N))
/// as |S| / N times the mean over the |S| updates is their sum over N. Thread-safe.
class Scaffold final : public MeanDelta {
 public:
  explicit Scaffold(const JobSpec& job)
      : MeanDelta(job),
        learning_rate_(job.strategy.server_learning_rate),
        local_rate_(job.train.learning_rate),
        parts_(static_cast<double>(job.data.parts)) {}

  std::string_view name() const override { return "scaffold"; }
  std::span<const std::string_view> state_kinds() const override { return kControl; }
  std::size_t downloaded_kinds() const override { return kControl.size(); }
  /// The job's `train` section with control variates, every round.
  LocalTraining Ask(Round round) const override;
  std::vector<LaneSpec> Lanes(const ParameterLayout& model) const override;
  void CompleteUpdate(const LocalResult& result, ParameterSet& update,
                      Bytes& client) const override;
  void Apply(const TileInput& input, const TileOutput& output) const override;

 private:
  static constexpr std::array<std::string_view, 1> kControl = {"control"};

  double learning_rate_;
  double local_rate_;
  double parts_;
};

}  // namespace muster
