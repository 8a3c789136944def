// Federated averaging (McMahan 2017, algorithm 1) whose mean delta is the negative gradient of a
// server optimizer (Reddi 2021, "Adaptive Federated Optimization", algorithm 1): plain SGD, or SGD
// with momentum (FedAvgM: Hsu 2019, "Measuring the Effects of Non-Identical Data Distribution").
#pragma once

#include <array>

#include "aggregation/mean_delta.h"

namespace muster {

/// With r the server learning rate and m the momentum, both double, the arithmetic of an element
/// is, every operation in double and rounded once, to nearest even:
///   mean   = RingMean of the lane
///   step   = mean                                  if m is 0
///   step   = (m * momentum) + mean                 otherwise; new momentum = (float)step
///   new model = (float)(model + (r * step))
/// The step that moves the model is the double, not the stored float. Thread-safe.
class FedAvg : public MeanDelta {
 public:
  using MeanDelta::MeanDelta;

  std::string_view name() const override { return "fedavg"; }
  std::span<const std::string_view> state_kinds() const override;
  void Apply(const TileInput& input, const TileOutput& output) const override;

 private:
  static constexpr std::array<std::string_view, 1> kMomentum = {"momentum"};
};

/// The same at the server; each slot's training is held to the round's model by the proximal term
/// (Li 2020, "Federated Optimization in Heterogeneous Networks", algorithm 2; its mu is the job's
/// strategy.proximal_mu).
class FedProx final : public FedAvg {
 public:
  using FedAvg::FedAvg;

  std::string_view name() const override { return "fedprox"; }
  /// The job's `train` section and proximal_mu, every round.
  LocalTraining Ask(Round round) const override;
};

}  // namespace muster
