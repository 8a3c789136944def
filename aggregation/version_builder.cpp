#include "aggregation/version_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/floating_point.h"
#include "aggregation/magnitude.h"
#include "aggregation/version.h"
#include "common/digest.h"
#include "common/limits.h"

namespace muster {
namespace {

// Elements that go through the strategy at a time: all its spans together stay in the L1 cache.
constexpr std::size_t kTileValues = 1024;
// Elements of one turn of a thread.
constexpr std::uint64_t kPartValues = 64 * kTileValues;

class Builder {
 public:
  Builder(const VersionInputs& inputs, ParameterSet& next)
      : inputs_(inputs),
        lanes_(inputs.sum.lanes()),
        model_count_(lanes_.model().entries().size()),
        kind_count_(inputs.strategy.state_kinds().size()),
        next_(next),
        largest_bits_(next.layout().entries().size()) {}

  void Compute(ThreadPool& pool) {
    const auto entries = lanes_.model().entries();
    std::vector<Part> parts;
    for (std::size_t tensor = 0; tensor < model_count_; ++tensor) {
      const std::uint64_t count = entries[tensor].element_count;
      for (std::uint64_t begin = 0; begin < count; begin += kPartValues) {
        parts.push_back({tensor, begin, std::min(begin + kPartValues, count)});
      }
    }
    pool.ParallelFor(parts.size(), [&](std::size_t turn) { ComputePart(parts[turn]); });
  }

  Status CheckFinite() const {
    for (std::size_t tensor = 0; tensor < largest_bits_.size(); ++tensor) {
      if (largest_bits_[tensor] < kInfinityBits) continue;
      return Error{Reason::diverged, "version " + std::to_string(inputs_.version) +
                                         " would hold NaN or infinity in tensor " +
                                         next_.layout().entries()[tensor].spec.name +
                                         "; lower the learning rates"};
    }
    return {};
  }

  BuiltVersion Describe(ThreadPool& pool) const {
    const ParameterLayout& layout = next_.layout();
    const ByteSpan bytes = std::as_const(next_).bytes();
    BuiltVersion built;
    VersionManifest& manifest = built.manifest;
    manifest.version = inputs_.version;
    manifest.tensors = layout.Specs();
    manifest.model_tensor_count = static_cast<std::uint32_t>(model_count_);
    manifest.model_bytes = lanes_.model().total_bytes();
    manifest.total_bytes = layout.total_bytes();
    for (std::size_t tensor = 0; tensor < model_count_; ++tensor) {
      manifest.tensor_max_abs.push_back(std::bit_cast<float>(largest_bits_[tensor]));
    }
    manifest.chunk_digests.resize((bytes.size() + limits::kVersionChunkBytes - 1) /
                                  limits::kVersionChunkBytes);
    // The one hash that goes through all of the model begins first, beside those of the chunks.
    pool.ParallelFor(1 + manifest.chunk_digests.size(), [&](std::size_t turn) {
      if (turn == 0) {
        built.model_digest =
            Xxh128Of(bytes.first(DownloadBytes(inputs_.strategy, manifest.model_bytes)));
        return;
      }
      const ByteSpan rest = bytes.subspan((turn - 1) * limits::kVersionChunkBytes);
      manifest.chunk_digests[turn - 1] =
          Sha256Of(rest.first(std::min(rest.size(), limits::kVersionChunkBytes)));
    });
    manifest.digest = VersionDigest(layout, manifest.chunk_digests);
    return built;
  }

 private:
  /// Elements `begin` to `end` of a model tensor and of its state.
  struct Part {
    std::size_t tensor = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  /// Thread-safe for different parts.
  void ComputePart(const Part& part) {
    for (std::uint64_t begin = part.begin; begin < part.end; begin += kTileValues) {
      ApplyTile(part.tensor, begin, std::min<std::uint64_t>(kTileValues, part.end - begin));
    }
    for (std::size_t tensor = part.tensor; tensor < largest_bits_.size(); tensor += model_count_) {
      const auto values =
          std::as_const(next_).F32(tensor).subspan(part.begin, part.end - part.begin);
      const std::uint32_t bits = LargestMagnitudeBits(std::as_bytes(values));
      const std::lock_guard lock(mutex_);
      largest_bits_[tensor] = std::max(largest_bits_[tensor], bits);
    }
  }

  void ApplyTile(std::size_t model_tensor, std::uint64_t element, std::size_t count) {
    std::vector<std::span<const float>> old_state;
    std::vector<std::span<float>> new_state;
    for (std::size_t kind = 0; kind < kind_count_; ++kind) {
      const std::size_t tensor = (1 + kind) * model_count_ + model_tensor;
      old_state.push_back(inputs_.parent.F32(tensor).subspan(element, count));
      new_state.push_back(next_.F32(tensor).subspan(element, count));
    }
    std::array<LaneTile, LaneSet::kLanesMax> tiles;
    const std::size_t lane_count = lanes_.lanes().size();
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
      tiles[lane] = TileOf(lane, model_tensor, element, count);
    }
    inputs_.strategy.Apply(
        {.model = inputs_.parent.F32(model_tensor).subspan(element, count),
         .state = old_state,
         .lanes = std::span(tiles).first(lane_count)},
        {.model = next_.F32(model_tensor).subspan(element, count), .state = new_state});
  }

  LaneTile TileOf(std::size_t lane, std::size_t model_tensor, std::uint64_t element,
                  std::size_t count) const {
    const LaneSpec& spec = lanes_.lanes()[lane];
    const RingSum& sum = inputs_.sum;
    const bool whole = spec.reach == LaneReach::whole;
    const std::size_t tensor = lanes_.FirstTensor(lane) + (whole ? 0 : model_tensor);
    const std::span<const std::uint64_t> sums = sum.Tensor(tensor);
    return {.sums = whole ? sums : sums.subspan(element, count),
            .unit = PowerOfTwo(-sum.scales()[tensor].scale_log2),
            .denominator = static_cast<double>(DenominatorOf(spec.weight))};
  }

  std::uint64_t DenominatorOf(LaneWeight weight) const {
    const RingSum& sum = inputs_.sum;
    if (weight == LaneWeight::one) return sum.update_count();
    return sum.weight_sum() * (weight == LaneWeight::update ? inputs_.full_factor : 1);
  }

  const VersionInputs& inputs_;
  const LaneSet& lanes_;
  const std::size_t model_count_;
  const std::size_t kind_count_;
  ParameterSet& next_;
  std::mutex mutex_;
  std::vector<std::uint32_t> largest_bits_;  ///< One a tensor. Guarded by mutex_ in Compute.
};

Status CheckFit(const VersionInputs& inputs) {
  const ParameterLayout& model = inputs.sum.lanes().model();
  const auto lanes = LanesOf(inputs.strategy, model);
  MUSTER_TRY(lanes);
  if (lanes->layout() != inputs.sum.lanes().layout()) {
    return Error{Reason::size_mismatch, "the sum of version " + std::to_string(inputs.version) +
                                            " does not have the tensors of the lanes of strategy " +
                                            std::string(inputs.strategy.name())};
  }
  const auto state = StateLayout(inputs.strategy, model);
  MUSTER_TRY(state);
  const auto expected = ParameterLayout::Concatenate(model, *state);
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

Result<BuiltVersion> BuildVersion(const VersionInputs& inputs, ThreadPool& pool,
                                  ParameterSet& next) {
  MUSTER_TRY(CheckFit(inputs));
  MUSTER_CHECK(inputs.sum.update_count() > 0, "a version follows from at least one update");
  MUSTER_CHECK(&next != &inputs.parent && next.layout() == inputs.parent.layout(),
               "a version has its parent's tensors in memory of its own");
  Builder builder(inputs, next);
  builder.Compute(pool);
  MUSTER_TRY(builder.CheckFinite());
  return builder.Describe(pool);
}

}  // namespace muster
