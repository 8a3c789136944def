// The lanes of a strategy as one update holds them: one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aggregation/lane.h"
#include "aggregation/scales.h"
#include "common/error.h"
#include "model/parameter_set.h"

namespace muster {

/// Immutable once made.
class LaneSet {
 public:
  /// So many fit into limits::kTensorScalesMax; the version builder has room for no more.
  static constexpr std::size_t kLanesMax = 4;

  /// `lanes` of a model. The first one has the model's very tensors, for a trainer writes what it
  /// trained there; the names of all tensors differ.
  /// Errors: unsupported (no lane or more than kLanesMax; a tensor that is not f32; a first lane
  /// that is not the model's; a lane whose tensors do not have its reach; a bound below 2^3 or
  /// above 2^kBoundLog2Max, or none where none follows from the model), as ParameterLayout::Create.
  static Result<LaneSet> Create(std::vector<LaneSpec> lanes, const ParameterLayout& model);

  std::span<const LaneSpec> lanes() const { return lanes_; }
  const ParameterLayout& model() const { return lanes_.front().layout; }
  /// All tensors of all lanes, in order: an update's.
  const ParameterLayout& layout() const { return layout_; }
  /// The place in layout() of the first tensor of lane `lane`.
  std::size_t FirstTensor(std::size_t lane) const { return first_tensors_[lane]; }
  /// The weight of tensor `tensor` of layout().
  LaneWeight WeightOf(std::size_t tensor) const { return weights_[tensor]; }

 private:
  LaneSet() = default;

  std::vector<LaneSpec> lanes_;
  ParameterLayout layout_;
  std::vector<std::size_t> first_tensors_;  ///< One a lane.
  std::vector<LaneWeight> weights_;         ///< One a tensor of layout_.
};

/// The exponents of all lanes, one scale a tensor of lanes.layout(): those of ComputeScales for
/// each lane, whose weight_max is 1 in a lane of weight one; with a bound of its own a lane has
///   bound_log2 = e = min(kBoundLog2Max, lane.bound_log2 + bound_raise).
/// `model_max_abs`: one a model tensor (VersionManifest::tensor_max_abs).
/// Errors: as ComputeScales.
Result<std::vector<TensorScale>> ComputeLaneScales(const LaneSet& lanes,
                                                   std::span<const float> model_max_abs,
                                                   const RingCapacity& capacity,
                                                   std::uint32_t bound_raise);

/// Whether these are scales that ComputeLaneScales can give. Errors: as CheckScales.
Status CheckLaneScales(std::span<const TensorScale> scales, const LaneSet& lanes,
                       const RingCapacity& capacity);

}  // namespace muster
