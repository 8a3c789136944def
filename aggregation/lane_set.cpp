#include "aggregation/lane_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/limits.h"

namespace muster {
namespace {

static_assert(LaneSet::kLanesMax * limits::kTensorsMax <= limits::kTensorScalesMax);

Error Unsupported(const LaneSpec& lane, const std::string& what) {
  return Error{Reason::unsupported, "lane " + lane.name + " " + what};
}

bool HasShapesOf(const ParameterLayout& model, const ParameterLayout& lane) {
  return std::ranges::equal(model.entries(), lane.entries(), [](const auto& a, const auto& b) {
    return a.spec.shape == b.spec.shape;
  });
}

Status CheckLane(const LaneSpec& lane, const ParameterLayout& model) {
  MUSTER_TRY(CheckLaneLayout(lane.layout));
  if (lane.reach == LaneReach::tile && !HasShapesOf(model, lane.layout)) {
    return Unsupported(lane, "has not a tensor of its shape for each of the model's");
  }
  if (lane.reach == LaneReach::whole && lane.layout.entries().size() != 1) {
    return Unsupported(lane, "is seen as a whole and has not one tensor");
  }
  if (lane.reach == LaneReach::whole && !lane.bound_log2) {
    return Unsupported(lane, "has no bound, and none follows from the model");
  }
  if (lane.bound_log2 && (*lane.bound_log2 < kBoundLog2Min || *lane.bound_log2 > kBoundLog2Max)) {
    return Unsupported(lane, "has a bound of 2^" + std::to_string(*lane.bound_log2));
  }
  return {};
}

RingCapacity CapacityInLane(const LaneSpec& lane, const RingCapacity& capacity) {
  return {WeightInLane(lane.weight, capacity.weight_max, 1), capacity.updates_max};
}

}  // namespace

Result<LaneSet> LaneSet::Create(std::vector<LaneSpec> lanes, const ParameterLayout& model) {
  if (lanes.empty() || lanes.size() > kLanesMax) {
    return Error{Reason::unsupported, "a strategy sums " + std::to_string(lanes.size()) +
                                          " lanes; 1 to " + std::to_string(kLanesMax) +
                                          " can be summed"};
  }
  for (const LaneSpec& lane : lanes) MUSTER_TRY(CheckLane(lane, model));
  const LaneSpec& first = lanes.front();
  if (first.layout != model || first.reach != LaneReach::tile) {
    return Unsupported(first, "is the first and has not the model's tensors");
  }
  LaneSet set;
  for (const LaneSpec& lane : lanes) {
    set.first_tensors_.push_back(set.weights_.size());
    set.weights_.insert(set.weights_.end(), lane.layout.entries().size(), lane.weight);
    auto layout = ParameterLayout::Concatenate(set.layout_, lane.layout);
    MUSTER_TRY(layout);
    set.layout_ = std::move(*layout);
  }
  set.lanes_ = std::move(lanes);
  return set;
}

Result<std::vector<TensorScale>> ComputeLaneScales(const LaneSet& lanes,
                                                   std::span<const float> model_max_abs,
                                                   const RingCapacity& capacity,
                                                   std::uint32_t bound_raise) {
  std::vector<TensorScale> all;
  for (const LaneSpec& lane : lanes.lanes()) {
    const RingCapacity in_lane = CapacityInLane(lane, capacity);
    if (lane.bound_log2) {
      const auto scale = ComputeScale(*lane.bound_log2, in_lane, bound_raise);
      MUSTER_TRY(scale);
      all.insert(all.end(), lane.layout.entries().size(), *scale);
      continue;
    }
    const auto scales = ComputeScales(lane.layout, model_max_abs, in_lane, bound_raise);
    MUSTER_TRY(scales);
    all.insert(all.end(), scales->begin(), scales->end());
  }
  return all;
}

Status CheckLaneScales(std::span<const TensorScale> scales, const LaneSet& lanes,
                       const RingCapacity& capacity) {
  const std::size_t tensors = lanes.layout().entries().size();
  if (scales.size() != tensors) {
    return Error{Reason::damage, std::to_string(scales.size()) + " scales are recorded for " +
                                     std::to_string(tensors) + " tensors"};
  }
  for (std::size_t i = 0; i < lanes.lanes().size(); ++i) {
    const LaneSpec& lane = lanes.lanes()[i];
    const std::size_t count = lane.layout.entries().size();
    MUSTER_TRY(CheckScales(scales.subspan(lanes.FirstTensor(i), count), count,
                           CapacityInLane(lane, capacity)));
  }
  return {};
}

}  // namespace muster
