// Small files of a process's own that are believed as a whole or not at all: a magic, a format
// number, fields without gaps, and the XXH3-128 of all before. Numbers are little-endian.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "common/bytes.h"
#include "common/error.h"

namespace muster {

/// Writes one field after another. Not thread-safe.
class SealedWriter {
 public:
  template <std::unsigned_integral Format>
  SealedWriter(std::string_view magic, Format format) {
    PutBytes(AsBytes(magic));
    Put(format);
  }

  /// A number, or an array of bytes such as a digest.
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void Put(const T& value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    StoreLittle(bytes_, bytes_.size() - sizeof(T), value);
  }
  void PutBytes(ByteSpan bytes);
  /// All bytes, the digest behind them. REQUIRES: called once, last.
  Bytes Seal();

 private:
  Bytes bytes_;
};

/// Reads the fields back in the same order. Not thread-safe.
class SealedReader {
 public:
  /// Views `bytes`. Errors, whose texts begin with "it": file_malformed (foreign, torn or changed
  /// bytes, an older format), unsupported (a newer format; nothing else is judged then).
  template <std::unsigned_integral Format>
  static Result<SealedReader> Open(ByteSpan bytes, std::string_view magic, Format format) {
    Format found = 0;
    if (bytes.size() >= magic.size() + sizeof(Format)) {
      found = LoadLittle<Format>(bytes, magic.size());
    }
    return Open(bytes, magic, sizeof(Format), found, format);
  }

  /// The next field; zeros once the fields have ended, of which Finish tells.
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  T Take() {
    T value{};
    const ByteSpan field = TakeBytes(sizeof(T));
    if (!field.empty()) value = LoadLittle<T>(field, 0);
    return value;
  }
  /// The next `size` bytes; none once the fields have ended.
  ByteSpan TakeBytes(std::uint64_t size);
  /// Errors: file_malformed, if the fields taken were not exactly those written.
  Status Finish() const;

 private:
  explicit SealedReader(ByteSpan fields) : fields_(fields) {}
  static Result<SealedReader> Open(ByteSpan bytes, std::string_view magic, std::size_t format_bytes,
                                   std::uint64_t found, std::uint64_t known);

  ByteSpan fields_;
  bool ended_early_ = false;
};

}  // namespace muster
