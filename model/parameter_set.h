// Named tensors over one contiguous, 64-byte-aligned buffer: models, updates, server state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"

namespace muster {

/// Numbers are stored and sent: append only.
enum class DType : std::uint8_t { f32 = 1, f64 = 2, i64 = 3 };

std::size_t DTypeBytes(DType dtype);
std::string_view DTypeName(DType dtype);

struct TensorSpec {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::uint64_t> shape;  ///< Empty for a scalar.
  bool operator==(const TensorSpec&) const = default;
};

/// Where each tensor lies. Tensors follow each other in the order given, each from a multiple of
/// kTensorAlignmentBytes; the gaps are zero and belong to the bytes. Immutable once made.
class ParameterLayout {
 public:
  struct Entry {
    TensorSpec spec;
    std::uint64_t offset_bytes = 0;
    std::uint64_t size_bytes = 0;  ///< Without the gap behind it.
    std::uint64_t element_count = 0;
    bool operator==(const Entry&) const = default;
  };

  ParameterLayout() = default;
  /// Errors: too_large, config_invalid (empty or double name, a zero dimension, an overflow).
  static Result<ParameterLayout> Create(std::vector<TensorSpec> specs);
  /// `first` then `second` as one layout; offsets of `first` stay, those of `second` move by
  /// first.total_bytes(). Errors as Create.
  static Result<ParameterLayout> Concatenate(const ParameterLayout& first,
                                             const ParameterLayout& second);

  std::span<const Entry> entries() const { return entries_; }
  /// A multiple of kTensorAlignmentBytes.
  std::uint64_t total_bytes() const { return total_bytes_; }
  std::uint64_t element_count() const;
  std::vector<TensorSpec> Specs() const;
  /// Nothing if no tensor has the name.
  const Entry* Find(std::string_view name) const;
  /// The canonical bytes of names, dtypes and shapes: the first part of every version digest.
  Bytes Encode() const;

  bool operator==(const ParameterLayout&) const = default;

 private:
  std::vector<Entry> entries_;
  std::uint64_t total_bytes_ = 0;
};

/// The tensors' bytes. Move only (copies of models are made knowingly, with Clone).
/// Thread-safe for concurrent reads.
class ParameterSet {
 public:
  ParameterSet() = default;
  /// All zeros.
  explicit ParameterSet(ParameterLayout layout);
  ParameterSet(ParameterSet&&) noexcept = default;
  ParameterSet& operator=(ParameterSet&&) noexcept = default;

  ParameterSet Clone() const;

  const ParameterLayout& layout() const { return layout_; }
  /// Empty after a move from the set.
  ByteSpan bytes() const { return {data_.get(), size_bytes()}; }
  MutableByteSpan bytes() { return {data_.get(), size_bytes()}; }
  /// The values of tensor `index`. REQUIRES: its dtype is f32.
  std::span<const float> F32(std::size_t index) const;
  std::span<float> F32(std::size_t index);

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  std::size_t size_bytes() const {
    return data_ == nullptr ? 0 : static_cast<std::size_t>(layout_.total_bytes());
  }
  ParameterLayout layout_;
  std::unique_ptr<std::byte[], Free> data_;
};

}  // namespace muster
