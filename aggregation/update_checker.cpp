#include "aggregation/update_checker.h"

#include <algorithm>
#include <bit>
#include <string>

#include "aggregation/floating_point.h"
#include "aggregation/lane.h"
#include "aggregation/magnitude.h"

namespace muster {

Result<UpdateChecker> UpdateChecker::Create(ParameterLayout layout) {
  MUSTER_TRY(CheckLaneLayout(layout));
  return UpdateChecker(std::move(layout));
}

UpdateChecker::UpdateChecker(ParameterLayout layout)
    : layout_(std::move(layout)),
      largest_bits_(layout_.entries().size()),
      not_finite_tensor_(layout_.entries().size()) {}

Status UpdateChecker::Add(ByteSpan chunk) {
  if (chunk.size() > layout_.total_bytes() - position_) {
    return Error{Reason::size_mismatch, "the update has more than the model's " +
                                            std::to_string(layout_.total_bytes()) + " bytes"};
  }
  digest_->Update(chunk);
  const auto entries = layout_.entries();
  while (!chunk.empty()) {
    const ParameterLayout::Entry& entry = entries[tensor_];
    const std::uint64_t values_end = entry.offset_bytes + entry.size_bytes;
    const std::uint64_t gap_end =
        tensor_ + 1 < entries.size() ? entries[tensor_ + 1].offset_bytes : layout_.total_bytes();
    const bool in_values = position_ < values_end;
    const std::uint64_t end = in_values ? values_end : gap_end;
    const auto part = chunk.first(std::min<std::uint64_t>(chunk.size(), end - position_));
    in_values ? ScanValues(part) : ScanGap(part);
    chunk = chunk.subspan(part.size());
    if (position_ == gap_end) ++tensor_;
  }
  return FirstFault();
}

void UpdateChecker::ScanValues(ByteSpan bytes) {
  std::uint32_t& largest = largest_bits_[tensor_];
  // Tensors start at multiples of 64, so the position tells how much of a float came before.
  while (!bytes.empty() && position_ % sizeof(float) != 0) {
    split_[position_++ % sizeof(float)] = bytes.front();
    bytes = bytes.subspan(1);
    if (position_ % sizeof(float) == 0) largest = std::max(largest, LargestMagnitudeBits(split_));
  }
  const ByteSpan whole = bytes.first(bytes.size() / sizeof(float) * sizeof(float));
  largest = std::max(largest, LargestMagnitudeBits(whole));
  const ByteSpan rest = bytes.subspan(whole.size());
  std::copy(rest.begin(), rest.end(), split_.begin());
  position_ += bytes.size();
  if (largest >= kInfinityBits) not_finite_tensor_ = std::min(not_finite_tensor_, tensor_);
}

void UpdateChecker::ScanGap(ByteSpan bytes) {
  gaps_zero_ = gaps_zero_ && std::all_of(bytes.begin(), bytes.end(),
                                         [](std::byte byte) { return byte == std::byte{0}; });
  position_ += bytes.size();
}

Status UpdateChecker::FirstFault() const {
  if (not_finite_tensor_ < layout_.entries().size()) {
    return Error{Reason::not_finite, "the update holds NaN or infinity in tensor " +
                                         layout_.entries()[not_finite_tensor_].spec.name};
  }
  if (!gaps_zero_) {
    return Error{Reason::malformed_message, "the update has bytes that belong to no tensor"};
  }
  return {};
}

UpdateSummary UpdateChecker::Summary() const {
  UpdateSummary summary;
  summary.bytes = position_;
  summary.digest = digest_->Digest();
  summary.finite = not_finite_tensor_ == layout_.entries().size();
  summary.gaps_zero = gaps_zero_;
  for (std::uint32_t bits : largest_bits_) {
    summary.tensor_max_abs.push_back(std::bit_cast<float>(bits));
  }
  return summary;
}

}  // namespace muster
