// The names of things: who, which round, which update, which coordinator life.
// All are plain values with a total order, so they can key ordered maps in the cores.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

using RosterIndex = std::uint32_t;  ///< A participant's stable number; also its data part.
using Round = std::uint64_t;        ///< 1 is the first.
using Attempt = std::uint32_t;      ///< 1 is the first of a round.
using Version = std::uint64_t;      ///< 0 is the initial model.
using Slot = std::uint32_t;  ///< One contribution a round asks for; private data: roster index.
using Task = std::uint32_t;  ///< 0 except in async.
using MonotonicMs = std::int64_t;  ///< Milliseconds of a monotonic clock with an arbitrary start.
/// One connection as its end sees it: never reused within a process. 0 is none.
using LinkId = std::uint64_t;

/// A SHA-256 digest (FIPS 180-4): of jobs and versions.
using Sha256Digest = std::array<std::byte, 32>;
/// An XXH3-128 digest in canonical (big-endian) byte order: of updates, whose senders are known.
using Xxh128Digest = std::array<std::byte, 16>;

/// One life of a state: a rollback past damage starts a new one.
struct LineageId {
  std::uint32_t number = 0;
  std::uint64_t nonce = 0;
  auto operator<=>(const LineageId&) const = default;
};

/// One start of a coordinator. `number` grows by one at every start; `nonce` tells two coordinators
/// apart that were started from copies of one state.
struct Epoch {
  std::uint64_t number = 0;
  std::uint64_t nonce = 0;
  auto operator<=>(const Epoch&) const = default;
};

/// One participant process: random at its start.
struct Incarnation {
  std::array<std::byte, 16> bytes{};
  auto operator<=>(const Incarnation&) const = default;
};

/// Names an update for ever. Keyed by slot, never by who filled it; an attempt changes no id.
struct UpdateId {
  std::uint32_t lineage = 0;
  Round round = 0;
  Slot slot = 0;
  Task task = 0;
  auto operator<=>(const UpdateId&) const = default;
  /// "l1.r7.s3.t0"
  std::string Text() const;
};

/// A Curve25519 public key: who a peer is on the wire.
struct PublicKey {
  std::array<std::byte, 32> bytes{};
  auto operator<=>(const PublicKey&) const = default;
  /// The 40 characters of ZeroMQ's Z85 (RFC 32/Z85).
  std::string Z85() const;
  /// Nothing unless `text` is 40 characters of valid Z85.
  static std::optional<PublicKey> FromZ85(std::string_view text);
};

}  // namespace muster
