// FedAdagrad, FedAdam and FedYogi: Reddi 2021, "Adaptive Federated Optimization", algorithm 2.
#pragma once

#include <array>

#include "aggregation/mean_delta.h"

namespace muster {

/// With r the server learning rate, b1, b2 and t for beta1, beta2 and tau, all double, and c1 = 1 -
/// b1, c2 = 1 - b2 and t2 = t * t computed once, the arithmetic of an element is, every operation
/// in double and rounded once, to nearest even:
///   mean   = RingMean of the lane
///   first  = (b1 * momentum) + (c1 * mean)         new momentum = (float)first
///   square = mean * mean
///   before = second_moment, or t2 where that is 0
///   second = before + square                       fedadagrad
///            (b2 * before) + (c2 * square)         fedadam
///            before - (c2 * square)                fedyogi, where before > square
///            before + (c2 * square)                fedyogi, where before < square
///            before                                fedyogi, where they are equal
///   new second_moment = the larger of (float)second and 2^-126
///   new model = (float)(model + (r * (first / (sqrt(second) + t))))
/// What moves the model are the doubles, not the stored floats.
///
/// The paper's second moment starts at tau^2 and is never 0; ours starts at 0, as all state does,
/// and no step leaves a 0 behind: so a 0 stands for tau^2, before the first step and after an
/// import. As in the paper no moment is corrected for its start. Thread-safe.
class Adaptive : public MeanDelta {
 public:
  using MeanDelta::MeanDelta;

  std::span<const std::string_view> state_kinds() const override { return kMoments; }

 private:
  static constexpr std::array<std::string_view, 2> kMoments = {"momentum", "second_moment"};
};

class FedAdagrad final : public Adaptive {
 public:
  using Adaptive::Adaptive;
  std::string_view name() const override { return "fedadagrad"; }
  void Apply(const TileInput& input, const TileOutput& output) const override;
};

class FedAdam final : public Adaptive {
 public:
  using Adaptive::Adaptive;
  std::string_view name() const override { return "fedadam"; }
  void Apply(const TileInput& input, const TileOutput& output) const override;
};

class FedYogi final : public Adaptive {
 public:
  using Adaptive::Adaptive;
  std::string_view name() const override { return "fedyogi"; }
  void Apply(const TileInput& input, const TileOutput& output) const override;
};

}  // namespace muster
