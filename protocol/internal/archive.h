// The bounded archive, on Cereal: what messages and records are written in. Only the codecs include
// this. Numbers are little-endian and as wide as their type, a bool is 0 or 1, a count is 64 bits,
// an optional is a bool and perhaps a value. Every accepted value has exactly one spelling.
//
// Reading throws cereal::Exception; a count never allocates ahead of the bytes that back it.
#pragma once

#include <array>
#include <cereal/cereal.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/bytes.h"

namespace muster {

/// Appends to a buffer that the caller owns.
class ByteOutputArchive
    : public cereal::OutputArchive<ByteOutputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit ByteOutputArchive(Bytes& out) : OutputArchive(this), out_(out) {}
  void Put(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    out_.insert(out_.end(), begin, begin + size);
  }

 private:
  Bytes& out_;
};

/// Reads from a span that outlives it.
class SpanInputArchive
    : public cereal::InputArchive<SpanInputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit SpanInputArchive(ByteSpan bytes) : InputArchive(this), left_(bytes) {}

  void Take(void* data, std::size_t size) {
    if (size > left_.size()) throw cereal::Exception("the bytes end inside a field");
    if (size > 0) std::memcpy(data, left_.data(), size);
    left_ = left_.subspan(size);
  }
  /// A count of elements that take at least `element_bytes` each.
  std::size_t TakeCount(std::size_t element_bytes) {
    std::uint64_t count = 0;
    Take(&count, sizeof(count));
    if (count > left_.size() / element_bytes) {
      throw cereal::Exception("a count claims more elements than there are bytes");
    }
    return static_cast<std::size_t>(count);
  }
  std::size_t bytes_left() const { return left_.size(); }

 private:
  ByteSpan left_;
};

template <typename T>
concept ArchivedNumber =
    std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
/// std::byte is an enum to the language, not to us.
template <typename T>
concept ArchivedEnum = std::is_enum_v<T> && !std::is_same_v<T, std::byte>;

// Cereal finds load and save by these names, beside the archives.
// NOLINTBEGIN(readability-identifier-naming)

template <ArchivedNumber T>
void save(ByteOutputArchive& archive, const T& value) {
  archive.Put(&value, sizeof(value));
}
template <ArchivedNumber T>
void load(SpanInputArchive& archive, T& value) {
  archive.Take(&value, sizeof(value));
}

inline void save(ByteOutputArchive& archive, const bool& value) {
  archive(static_cast<std::uint8_t>(value ? 1 : 0));
}
inline void load(SpanInputArchive& archive, bool& value) {
  std::uint8_t number = 0;
  archive(number);
  if (number > 1) throw cereal::Exception("a bool is neither 0 nor 1");
  value = number == 1;
}

/// Each enum that is archived has an IsKnown beside its fields. Cereal's own way with enums takes
/// any number: the specialisation below turns it off.
template <ArchivedEnum T>
void save(ByteOutputArchive& archive, const T& value) {
  archive(static_cast<std::underlying_type_t<T>>(value));
}
template <ArchivedEnum T>
void load(SpanInputArchive& archive, T& value) {
  std::underlying_type_t<T> number = 0;
  archive(number);
  value = static_cast<T>(number);
  if (!IsKnown(value)) throw cereal::Exception("an enum has an unknown number");
}

template <std::size_t N>
void save(ByteOutputArchive& archive, const std::array<std::byte, N>& bytes) {
  archive.Put(bytes.data(), N);
}
template <std::size_t N>
void load(SpanInputArchive& archive, std::array<std::byte, N>& bytes) {
  archive.Take(bytes.data(), N);
}

inline void save(ByteOutputArchive& archive, const std::string& text) {
  archive(static_cast<std::uint64_t>(text.size()));
  archive.Put(text.data(), text.size());
}
inline void load(SpanInputArchive& archive, std::string& text) {
  text.resize(archive.TakeCount(1));
  archive.Take(text.data(), text.size());
}

template <typename T>
concept ArchivedAsBlock = ArchivedNumber<T> || std::is_same_v<T, std::byte>;

template <ArchivedAsBlock T>
void save(ByteOutputArchive& archive, const std::vector<T>& values) {
  archive(static_cast<std::uint64_t>(values.size()));
  archive.Put(values.data(), values.size() * sizeof(T));
}
template <ArchivedAsBlock T>
void load(SpanInputArchive& archive, std::vector<T>& values) {
  values.resize(archive.TakeCount(sizeof(T)));
  archive.Take(values.data(), values.size() * sizeof(T));
}

template <typename T>
void save(ByteOutputArchive& archive, const std::vector<T>& values) {
  archive(static_cast<std::uint64_t>(values.size()));
  for (const T& value : values) archive(value);
}
/// Grows with the elements that were really read.
template <typename T>
void load(SpanInputArchive& archive, std::vector<T>& values) {
  const std::size_t count = archive.TakeCount(1);
  values.clear();
  for (std::size_t i = 0; i < count; ++i) archive(values.emplace_back());
}

template <typename T>
void save(ByteOutputArchive& archive, const std::optional<T>& value) {
  archive(value.has_value());
  if (value) archive(*value);
}
template <typename T>
void load(SpanInputArchive& archive, std::optional<T>& value) {
  bool there = false;
  archive(there);
  value.reset();
  if (!there) return;
  T loaded{};
  archive(loaded);
  value = std::move(loaded);
}

// NOLINTEND(readability-identifier-naming)

}  // namespace muster

CEREAL_SETUP_ARCHIVE_TRAITS(muster::SpanInputArchive, muster::ByteOutputArchive)

namespace cereal {
template <muster::ArchivedEnum T>
struct specialize<muster::ByteOutputArchive, T, specialization::non_member_load_save>
    : std::true_type {};
template <muster::ArchivedEnum T>
struct specialize<muster::SpanInputArchive, T, specialization::non_member_load_save>
    : std::true_type {};
}  // namespace cereal
