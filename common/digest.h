// The two digests of the system: SHA-256 for what must be named for ever, XXH3-128 for transfers.
#pragma once

#include <cstdint>
#include <memory>

#include "common/bytes.h"
#include "common/ids.h"

namespace muster {

/// SHA-256 over a stream (OpenSSL EVP). Not thread-safe; one object per stream.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(ByteSpan bytes);
  /// The digest of all bytes so far; the object starts anew.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest Sha256Of(ByteSpan bytes);

/// XXH3-128 over a stream, seed 0, canonical byte order. Not thread-safe; one object per stream.
class Xxh128 {
 public:
  Xxh128();
  ~Xxh128();
  Xxh128(const Xxh128&) = delete;
  Xxh128& operator=(const Xxh128&) = delete;

  void Update(ByteSpan bytes);
  /// The digest of all bytes so far; more may follow.
  Xxh128Digest Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Xxh128Digest Xxh128Of(ByteSpan bytes);
/// XXH3-64, seed 0: the checksum of one chunk.
std::uint64_t Xxh64Of(ByteSpan bytes);

}  // namespace muster
