#include "aggregation/version_builder.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <string>
#include <vector>

#include "aggregation/floating_point.h"
#include "aggregation/magnitude.h"
#include "aggregation/ordered_chunks.h"
#include "aggregation/version.h"
#include "common/digest.h"
#include "common/limits.h"

namespace muster {
namespace {

// Elements that go through the strategy at a time: all its spans together stay in the L1 cache.
constexpr std::size_t kTileValues = 1024;

class Builder {
 public:
  Builder(const VersionInputs& inputs, LaneWeight weight)
      : inputs_(inputs),
        denominator_(static_cast<double>(weight == LaneWeight::one ? inputs.sum.update_count()
                                                                   : inputs.sum.weight_sum())),
        model_count_(inputs.sum.layout().entries().size()),
        kind_count_(inputs.strategy.state_kinds().size()),
        largest_bits_(model_count_),
        chunk_digests_((TotalBytes() + limits::kVersionChunkBytes - 1) /
                       limits::kVersionChunkBytes) {}

  std::size_t chunk_count() const { return chunk_digests_.size(); }

  /// Thread-safe for different chunks.
  Status Compute(std::size_t index, Bytes& chunk) {
    const std::uint64_t begin = std::uint64_t{index} * limits::kVersionChunkBytes;
    const std::uint64_t end =
        std::min<std::uint64_t>(begin + limits::kVersionChunkBytes, TotalBytes());
    chunk.assign(end - begin, std::byte{0});
    const auto entries = inputs_.parent.layout().entries();
    for (std::size_t tensor = 0; tensor < entries.size(); ++tensor) {
      const ParameterLayout::Entry& entry = entries[tensor];
      const std::uint64_t first = std::max(begin, entry.offset_bytes);
      const std::uint64_t last = std::min(end, entry.offset_bytes + entry.size_bytes);
      if (first >= last) continue;
      const auto bytes = MutableByteSpan(chunk).subspan(first - begin, last - first);
      const std::uint64_t element = (first - entry.offset_bytes) / sizeof(float);
      MUSTER_TRY(ComputeTensorPart(tensor, element, bytes));
    }
    chunk_digests_[index] = Sha256Of(chunk);
    return {};
  }

  VersionManifest Manifest() const {
    const ParameterLayout& layout = inputs_.parent.layout();
    VersionManifest manifest;
    manifest.version = inputs_.version;
    manifest.digest = VersionDigest(layout, chunk_digests_);
    manifest.tensors = layout.Specs();
    manifest.model_tensor_count = static_cast<std::uint32_t>(model_count_);
    manifest.model_bytes = inputs_.sum.layout().total_bytes();
    manifest.total_bytes = layout.total_bytes();
    manifest.chunk_digests = chunk_digests_;
    for (std::uint32_t bits : largest_bits_) {
      manifest.tensor_max_abs.push_back(std::bit_cast<float>(bits));
    }
    return manifest;
  }

 private:
  std::uint64_t TotalBytes() const { return inputs_.parent.layout().total_bytes(); }

  /// Writes the new elements of version tensor `tensor` from `element` on, as many as `bytes` hold.
  Status ComputeTensorPart(std::size_t tensor, std::uint64_t element, MutableByteSpan bytes) {
    // The strategy computes model and state of an element together. What belongs to another chunk
    // is computed there again: it costs less than to keep it until its turn.
    std::vector<float> scratch((1 + kind_count_) * kTileValues);
    for (std::size_t done = 0; done < bytes.size();) {
      const std::size_t count = std::min(kTileValues, (bytes.size() - done) / sizeof(float));
      ApplyTile(tensor % model_count_, element, count, scratch);
      const auto wanted = std::span(scratch).subspan(tensor / model_count_ * kTileValues, count);
      std::memcpy(bytes.data() + done, wanted.data(), wanted.size_bytes());
      done += wanted.size_bytes();
      element += count;
    }
    return RecordMagnitude(tensor, LargestMagnitudeBits(bytes));
  }

  /// Fills `scratch`: the new model's elements, then from each multiple of kTileValues a state
  /// kind's.
  void ApplyTile(std::size_t model_tensor, std::uint64_t element, std::size_t count,
                 std::span<float> scratch) const {
    std::vector<std::span<const float>> old_state;
    std::vector<std::span<float>> new_state;
    for (std::size_t kind = 0; kind < kind_count_; ++kind) {
      const std::size_t tensor = (1 + kind) * model_count_ + model_tensor;
      old_state.push_back(inputs_.parent.F32(tensor).subspan(element, count));
      new_state.push_back(scratch.subspan((1 + kind) * kTileValues, count));
    }
    const LaneTile lane = {
        .sums = inputs_.sum.Tensor(model_tensor).subspan(element, count),
        .unit = PowerOfTwo(-inputs_.sum.scales()[model_tensor].scale_log2),
        .denominator = denominator_,
    };
    inputs_.strategy.Apply({.model = inputs_.parent.F32(model_tensor).subspan(element, count),
                            .state = old_state,
                            .lanes = std::span(&lane, 1)},
                           {.model = scratch.first(count), .state = new_state});
  }

  Status RecordMagnitude(std::size_t tensor, std::uint32_t bits) {
    if (bits >= kInfinityBits) {
      return Error{Reason::diverged, "version " + std::to_string(inputs_.version) +
                                         " would hold NaN or infinity in " + "tensor " +
                                         inputs_.parent.layout().entries()[tensor].spec.name +
                                         "; lower the learning rates"};
    }
    if (tensor < model_count_) {
      const std::lock_guard lock(mutex_);
      largest_bits_[tensor] = std::max(largest_bits_[tensor], bits);
    }
    return {};
  }

  const VersionInputs& inputs_;
  const double denominator_;
  const std::size_t model_count_;
  const std::size_t kind_count_;
  std::mutex mutex_;
  std::vector<std::uint32_t> largest_bits_;  ///< One a model tensor. Guarded by mutex_.
  std::vector<Sha256Digest> chunk_digests_;  ///< Each written by its chunk's thread.
};

Status CheckFit(const VersionInputs& inputs, const LaneSpec& lane) {
  if (lane.layout != inputs.sum.layout()) {
    return Error{Reason::size_mismatch, "the sum of version " + std::to_string(inputs.version) +
                                            " does not have the tensors of lane " + lane.name};
  }
  const auto state = StateLayout(inputs.strategy, inputs.sum.layout());
  MUSTER_TRY(state);
  const auto expected = ParameterLayout::Concatenate(inputs.sum.layout(), *state);
  MUSTER_TRY(expected);
  if (inputs.parent.layout() != *expected) {
    return Error{Reason::size_mismatch,
                 "the parent of version " + std::to_string(inputs.version) +
                     " does not have the tensors of the job's model and of the state of strategy " +
                     std::string(inputs.strategy.name())};
  }
  return {};
}

}  // namespace

ChunkSink FillWithChunks(MutableByteSpan room) {
  return [room](ByteSpan chunk) mutable -> Status {
    MUSTER_CHECK(chunk.size() <= room.size(), "a version larger than its layout");
    std::ranges::copy(chunk, room.begin());
    room = room.subspan(chunk.size());
    return {};
  };
}

Result<VersionManifest> BuildVersion(const VersionInputs& inputs, ThreadPool& pool,
                                     const ChunkSink& sink) {
  const auto lane = SingleLane(inputs.strategy, inputs.sum.layout());
  MUSTER_TRY(lane);
  MUSTER_TRY(CheckFit(inputs, *lane));
  MUSTER_CHECK(inputs.sum.update_count() > 0, "a version follows from at least one update");
  Builder builder(inputs, lane->weight);
  MUSTER_TRY(DeliverInOrder(
      pool, builder.chunk_count(),
      [&](std::size_t index, Bytes& chunk) { return builder.Compute(index, chunk); }, sink));
  return builder.Manifest();
}

}  // namespace muster
