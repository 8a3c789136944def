// What the core remembers of those who are here and of what they are sending.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/core/events.h"

namespace muster::coordinator {

/// One participant process that said hello and whose lease has not ended.
struct Session {
  RosterIndex index = 0;
  Incarnation incarnation;
  LinkId control = 0;
  LinkId bulk = 0;  ///< 0 until bulk_hello.
  MonotonicMs lease_until = 0;
  std::optional<UpdateId> ordered;  ///< The task given to this session.
  std::set<Slot> asked;     ///< Elastic data: given to it in this attempt, none of them twice.
  Attempt passed_over = 0;  ///< Elastic data: the attempt in which a lease of its passed on.
  /// Elastic data: what its hello named, until a report phase looks at it.
  std::optional<UpdateId> retained;
  /// The version whose last byte was sent to its process. What it is asked for may outlive the
  /// round (async, late updates); else it does not matter.
  std::optional<Version> has_model;
  std::optional<Offer> queued;  ///< An offer that waits for a grant.
};

/// Whose the newest epoch is that a participant has seen, told by its nonce.
enum class SeenPast : std::uint8_t {
  own,         ///< This state's; or not for the coordinator to judge.
  of_another,  ///< A coordinator's on a copy of this state.
  unknown,     ///< So long ago, or of a build that kept no nonces.
};

/// One update on its way from a granted offer to a durable accept. At most one a slot.
struct Upload {
  enum class State : std::uint8_t {
    receiving,      ///< Chunks come and are stored.
    checking,       ///< All are stored; the digest is awaited.
    awaiting_sync,  ///< Whole and within bounds; the next SyncSpool covers it.
    syncing,
    awaiting_batch,  ///< Durable bytes, or in memory all that is asked for: it may be accepted.
    persisting,
  };
  UploadId id = 0;
  Offer offer;
  RosterIndex from = 0;
  SpoolExtent extent;
  State state = State::receiving;
  std::uint64_t requested = 0;       ///< Bytes given to StoreChunk.
  std::uint64_t stored = 0;          ///< Bytes known to be in the spool file.
  MonotonicMs progressed_at = 0;     ///< When bytes came or were stored last; first, the grant.
  MonotonicMs yields_at = 0;         ///< From then on it keeps its place from nobody that waits.
  std::uint64_t finished_order = 0;  ///< Position among the uploads that became whole.
  /// It is being added to the sum beside its way to the disk: the round cannot close without it.
  bool folding = false;
  bool folded = false;                ///< And that is done.
  std::vector<float> tensor_max_abs;  ///< Where it may outlive its round: each has its own bounds.

  /// Whether it is whole, and not certain to count in the open round.
  bool WaitsForRoom() const { return state >= State::awaiting_sync && !folding; }
};

}  // namespace muster::coordinator
