#include "aggregation/ring_sum.h"

#include <algorithm>
#include <string>

#include "aggregation/ring.h"
#include "common/limits.h"

namespace muster {
namespace {

constexpr std::uint64_t kValueBytes = sizeof(float);

// The first tensor that has a value at or behind `value_index` (in units of the sums).
std::size_t FirstTensorFrom(std::span<const ParameterLayout::Entry> entries,
                            std::uint64_t value_index) {
  const auto found = std::partition_point(
      entries.begin(), entries.end(), [&](const ParameterLayout::Entry& entry) {
        return entry.offset_bytes / kValueBytes + entry.element_count <= value_index;
      });
  return static_cast<std::size_t>(found - entries.begin());
}

}  // namespace

RingSum::RingSum(LaneSet lanes, std::size_t tile_values)
    : lanes_(std::move(lanes)),
      tile_values_(tile_values),
      sums_(lanes_.layout().total_bytes() / kValueBytes) {
  constexpr std::size_t kLineValues = limits::kTensorAlignmentBytes / kValueBytes;
  MUSTER_CHECK(tile_values > 0 && tile_values % kLineValues == 0, "tile size");
}

Status RingSum::Reset(std::span<const TensorScale> scales, const RingCapacity& capacity) {
  MUSTER_TRY(CheckLaneScales(scales, lanes_, capacity));
  scales_.assign(scales.begin(), scales.end());
  capacity_ = capacity;
  std::fill(sums_.begin(), sums_.end(), 0);
  weight_sum_ = 0;
  update_count_ = 0;
  void_ = false;
  return {};
}

Status RingSum::Fold(std::span<const UpdateSource> updates, ThreadPool& pool) {
  MUSTER_CHECK(!void_, "Reset comes before Fold and after its errors");
  void_ = true;
  if (updates.size() > capacity_.updates_max - update_count_) {
    return Error{Reason::too_large, std::to_string(update_count_ + updates.size()) +
                                        " updates for a sum that holds at most " +
                                        std::to_string(capacity_.updates_max)};
  }
  for (const UpdateSource& update : updates) {
    MUSTER_TRY(CheckWeight(update.weight, capacity_.weight_max));
    MUSTER_TRY(CheckWeight(update.weight * update.factor, capacity_.weight_max));
    weight_sum_ += update.weight;
    const ByteSpan bytes = update.in_memory;
    MUSTER_CHECK(bytes.empty() || bytes.size() == sums_.size() * kValueBytes, "a whole update");
    MUSTER_CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) == 0,
                 "an address that floats may have");
  }
  update_count_ += updates.size();

  const std::size_t tile_count = (sums_.size() + tile_values_ - 1) / tile_values_;
  const std::size_t range_count = std::min(pool.thread_count(), tile_count);
  std::vector<Status> results(range_count);
  pool.ParallelFor(range_count, [&](std::size_t range) {
    results[range] = FoldTiles(updates, tile_count * range / range_count,
                               tile_count * (range + 1) / range_count);
  });
  for (const Status& result : results) MUSTER_TRY(result);
  void_ = false;
  return {};
}

Status RingSum::FoldTiles(std::span<const UpdateSource> updates, std::size_t first_tile,
                          std::size_t end_tile) {
  const auto entries = lanes_.layout().entries();
  std::vector<float> buffer(tile_values_);
  for (std::size_t tile = first_tile; tile < end_tile; ++tile) {
    const std::size_t begin = tile * tile_values_;
    const auto room = std::span(buffer).first(std::min(tile_values_, sums_.size() - begin));
    const std::size_t tensor = FirstTensorFrom(entries, begin);
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const auto values = ValuesOf(updates[i], begin, room);
      MUSTER_TRY(values);
      const std::size_t outside = FoldOne(*values, begin, tensor, updates[i]);
      if (outside < entries.size()) {
        return Error{Reason::damage, "update " + std::to_string(i) + " of the fold holds a value " +
                                         "of tensor " + entries[outside].spec.name +
                                         " beyond its bound, which it did not when it was " +
                                         "accepted: its stored bytes have changed"};
      }
    }
  }
  return {};
}

Result<std::span<const float>> RingSum::ValuesOf(const UpdateSource& update, std::size_t begin,
                                                 std::span<float> buffer) {
  if (update.in_memory.empty()) {
    MUSTER_TRY(update.read(begin * kValueBytes, std::as_writable_bytes(buffer)));
    return std::span<const float>(buffer);
  }
  const ByteSpan bytes = update.in_memory.subspan(begin * kValueBytes, buffer.size_bytes());
  return std::span(reinterpret_cast<const float*>(bytes.data()), buffer.size());
}

std::size_t RingSum::FoldOne(std::span<const float> tile, std::uint64_t tile_begin,
                             std::size_t tensor, const UpdateSource& update) {
  const auto entries = lanes_.layout().entries();
  const std::uint64_t tile_end = tile_begin + tile.size();
  for (; tensor < entries.size(); ++tensor) {
    const std::uint64_t tensor_begin = entries[tensor].offset_bytes / kValueBytes;
    if (tensor_begin >= tile_end) break;
    const std::uint64_t begin = std::max(tensor_begin, tile_begin);
    const std::uint64_t end = std::min(tensor_begin + entries[tensor].element_count, tile_end);
    const auto values = tile.subspan(begin - tile_begin, end - begin);
    const auto sums = std::span(sums_).subspan(begin, end - begin);
    const std::uint64_t times = WeightInLane(lanes_.WeightOf(tensor), update.weight, update.factor);
    if (!FoldTile(values, scales_[tensor], times, sums)) return tensor;
  }
  return entries.size();
}

std::span<const std::uint64_t> RingSum::Tensor(std::size_t index) const {
  MUSTER_CHECK(!void_, "the sum is void after an error");
  const ParameterLayout::Entry& entry = lanes_.layout().entries()[index];
  return std::span(sums_).subspan(entry.offset_bytes / kValueBytes, entry.element_count);
}

}  // namespace muster
