// What the kernels take: memory that starts where they want it, and examples as rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "common/limits.h"
#include "training/examples.h"
#include "training/kernel_table.h"

namespace muster {

/// Larger batches are summed piece by piece: the workspace stays small whatever the batch.
inline constexpr std::uint32_t kPieceExamplesMax = 512;

/// Memory for the kernels: starts on a cache line, contents undefined.
class AlignedMemory {
 public:
  explicit AlignedMemory(std::uint64_t bytes)
      : data_(static_cast<std::byte*>(::operator new[](static_cast<std::size_t>(bytes), kAlign))) {}
  void* get() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlign{limits::kTensorAlignmentBytes};
  struct Free {
    void operator()(std::byte* data) const { ::operator delete[](data, kAlign); }
  };
  std::unique_ptr<std::byte[], Free> data_;
};

/// Rows and labels of up to kPieceExamplesMax examples. A batch holds until the next call.
class Piece {
 public:
  ExampleBatch Gather(const ExampleSet& examples, std::span<const std::uint32_t> indices) {
    images_.clear();
    labels_.clear();
    for (const std::uint32_t index : indices) {
      images_.push_back(examples.Image(index));
      labels_.push_back(examples.labels()[index]);
    }
    return {images_.data(), labels_.data(), static_cast<std::uint32_t>(indices.size())};
  }

 private:
  std::vector<const std::uint8_t*> images_;
  std::vector<std::uint8_t> labels_;
};

}  // namespace muster
