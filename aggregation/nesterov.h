// SGD with Nesterov's momentum at the server: the outer optimizer of DiLoCo (Douillard 2023,
// "DiLoCo: Distributed Low-Communication Training of Language Models", algorithm 1), in the form
// that PyTorch's SGD(nesterov=True) has (Sutskever 2013, "On the importance of initialization and
// momentum in deep learning", rewritten for the gradient where the model is).
#pragma once

#include <array>

#include "aggregation/mean_delta.h"

namespace muster {

/// With r the server learning rate and m the momentum, both double, and the mean delta for the
/// negative gradient, the arithmetic of an element is, every operation in double and rounded once,
/// to nearest even:
///   mean = RingMean of the lane
///   next = (m * momentum) + mean                   new momentum = (float)next
///   step = mean + (m * next)
///   new model = (float)(model + (r * step))
/// `next` enters the step as the double, not as the stored float. Thread-safe.
class Nesterov final : public MeanDelta {
 public:
  using MeanDelta::MeanDelta;

  std::string_view name() const override { return "nesterov"; }
  std::span<const std::string_view> state_kinds() const override { return kMomentum; }
  void Apply(const TileInput& input, const TileOutput& output) const override;

 private:
  static constexpr std::array<std::string_view, 1> kMomentum = {"momentum"};
};

}  // namespace muster
