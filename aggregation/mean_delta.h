// What all strategies have in common whose updates are deltas that are averaged by weight and
// whose local training is what the job says: they differ in what the server makes of the mean.
#pragma once

#include <cstdint>
#include <vector>

#include "aggregation/strategy.h"

namespace muster {

/// One lane "delta" of the model's layout, weighted by the update. Thread-safe.
class MeanDelta : public Strategy {
 public:
  explicit MeanDelta(const JobSpec& job)
      : ask_(LocalTrainingOf(job)), strategy_(job.strategy), aggregation_(job.aggregation) {}

  /// What the job's mode and `train` section say, every round.
  LocalTraining Ask(Round round) const override;
  /// By WeightPolicy: the examples themselves, or 1 (the number is then not looked at).
  Result<std::uint64_t> UpdateWeight(std::uint64_t examples) const override;
  /// By WeightPolicy: 1 to the job's weight_max, or 1.
  Status CheckUpdateWeight(std::uint64_t weight) const override;
  std::vector<LaneSpec> Lanes(const ParameterLayout& model) const override;

 protected:
  const StrategySpec& strategy() const { return strategy_; }

 private:
  LocalTraining ask_;
  StrategySpec strategy_;
  AggregationSpec aggregation_;
};

}  // namespace muster
