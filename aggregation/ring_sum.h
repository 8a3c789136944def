// The sum of a round's updates in the ring: one uint64 a parameter, whatever the cohort.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "aggregation/lane_set.h"
#include "aggregation/scales.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/thread_pool.h"
#include "model/parameter_set.h"

namespace muster {

/// An accepted update that can be read again: from the spool or from memory.
struct UpdateSource {
  /// Fills `bytes` with the update's bytes from `offset_bytes` on. Called from several threads at
  /// once, for ranges that do not overlap. Its errors end the fold.
  std::function<Status(std::uint64_t offset_bytes, MutableByteSpan bytes)> read;
  std::uint64_t weight = 0;  ///< Its own, and
  std::uint32_t factor = 1;  ///< for how stale it is: WeightInLane says what a lane makes of both.
  /// All of them, if they lie in memory, at an address that floats may have: nothing is read then.
  ByteSpan in_memory = {};
};

/// Sums updates, all lanes in one pass over their bytes. The result is a pure function of the set
/// of (update, weight, factor) folded since Reset: no order, grouping, thread count or tile size
/// changes a bit. Memory: 8 bytes a parameter and one tile a thread while folding. Not thread-safe;
/// Fold uses threads inside.
class RingSum {
 public:
  /// Float32 values a thread folds at a time: tile and sums together stay in the L2 cache.
  static constexpr std::size_t kTileValues = 8192;

  /// REQUIRES: tile_values is a positive multiple of 16 (a cache line of floats).
  explicit RingSum(LaneSet lanes, std::size_t tile_values = kTileValues);

  /// Starts a sum of nothing. `scales`: one a tensor. Errors: as CheckLaneScales.
  Status Reset(std::span<const TensorScale> scales, const RingCapacity& capacity);

  /// Adds all of `updates`. They were validated when they were accepted; a value beyond its bound
  /// or NaN is damage now. Errors: damage (with the update's place in `updates` and the tensor),
  /// weight_invalid (weight * factor is 0 or above the capacity's), too_large (more updates than
  /// the capacity has), what `read` returns. After an error the sum is void: only Reset may follow.
  Status Fold(std::span<const UpdateSource> updates, ThreadPool& pool);

  const LaneSet& lanes() const { return lanes_; }
  std::span<const TensorScale> scales() const { return scales_; }
  /// Of the updates folded since Reset, of their weights without factors: what the denominators of
  /// lanes of weight `update` and `own` come from.
  std::uint64_t weight_sum() const { return weight_sum_; }
  /// The denominator of lanes of weight `one`.
  std::uint64_t update_count() const { return update_count_; }
  /// The sums of tensor `index` of lanes().layout(), as ring.h defines them. REQUIRES: the sum is
  /// not void.
  std::span<const std::uint64_t> Tensor(std::size_t index) const;

 private:
  Status FoldTiles(std::span<const UpdateSource> updates, std::size_t first_tile,
                   std::size_t end_tile);
  /// The update's values from `begin` on, as many as `buffer` has: there, or where they lie.
  static Result<std::span<const float>> ValuesOf(const UpdateSource& update, std::size_t begin,
                                                 std::span<float> buffer);
  /// Folds the values of `update` in one tile. Returns the first tensor with a value out of bound,
  /// or the number of tensors.
  std::size_t FoldOne(std::span<const float> tile, std::uint64_t tile_begin, std::size_t tensor,
                      const UpdateSource& update);

  LaneSet lanes_;
  std::size_t tile_values_;
  std::vector<TensorScale> scales_;
  RingCapacity capacity_;
  std::vector<std::uint64_t> sums_;  ///< By byte offset / 4; gaps between tensors stay unused.
  std::uint64_t weight_sum_ = 0;
  std::uint64_t update_count_ = 0;
  bool void_ = true;
};

}  // namespace muster
