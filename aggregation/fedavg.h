// Federated averaging (McMahan 2017, algorithm 1) whose mean delta is the negative gradient of a
// server optimizer (Reddi 2021, "Adaptive Federated Optimization", algorithm 1): plain SGD, or SGD
// with momentum (FedAvgM: Hsu 2019, "Measuring the Effects of Non-Identical Data Distribution").
#pragma once

#include <array>

#include "aggregation/strategy.h"

namespace muster {

/// One lane "delta" of the model's layout, weighted by the update. With r the server learning rate
/// and m the momentum, both double, the arithmetic of an element is, every operation in double and
/// rounded once, to nearest even:
///   mean   = RingMean of the lane
///   step   = mean                                  if m is 0
///   step   = (m * momentum) + mean                 otherwise; new momentum = (float)step
///   new model = (float)(model + (r * step))
/// The step that moves the model is the double, not the stored float. Thread-safe.
class FedAvg final : public Strategy {
 public:
  explicit FedAvg(const JobSpec& job)
      : train_(job.train), strategy_(job.strategy), aggregation_(job.aggregation) {}

  std::string_view name() const override { return "fedavg"; }
  std::span<const std::string_view> state_kinds() const override;
  /// The job's `train` section, every round.
  TrainSpec Ask(Round round) const override;
  /// By WeightPolicy: the examples themselves, or 1 (the number is then not looked at).
  Result<std::uint64_t> UpdateWeight(std::uint64_t examples) const override;
  /// By WeightPolicy: 1 to the job's weight_max, or 1.
  Status CheckUpdateWeight(std::uint64_t weight) const override;
  std::vector<LaneSpec> Lanes(const ParameterLayout& model) const override;
  void Apply(const TileInput& input, const TileOutput& output) const override;

 private:
  static constexpr std::array<std::string_view, 1> kMomentum = {"momentum"};

  TrainSpec train_;
  StrategySpec strategy_;
  AggregationSpec aggregation_;
};

}  // namespace muster
