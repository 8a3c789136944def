// Every cap of the system, tied together. Nothing that a peer, a user or a disk says may exceed
// one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace muster::limits {

// --- Model -------------------------------------------------------------------------------------
inline constexpr std::size_t kTensorsMax = 4096;  ///< Tensors in one parameter set.
inline constexpr std::size_t kTensorNameBytesMax = 256;
inline constexpr std::size_t kTensorRankMax = 8;
inline constexpr std::uint64_t kModelBytesMax = 16ULL << 30;
inline constexpr std::size_t kSafetensorsHeaderBytesMax = 16U << 20;
inline constexpr std::size_t kTensorAlignmentBytes = 64;  ///< Every tensor starts on a cache line.

/// The unit of version digests and of stored versions: a constant of the format.
inline constexpr std::size_t kVersionChunkBytes = 1U << 20;

// --- Job ---------------------------------------------------------------------------------------
inline constexpr std::size_t kHiddenLayersMax = 64;
inline constexpr std::uint32_t kHiddenUnitsMax = 1U << 16;
inline constexpr std::uint64_t kExamplesMax = 1ULL << 32;  ///< Of a training or a held-out set.
inline constexpr std::uint32_t kLocalEpochsMax = 1U << 16;
inline constexpr std::uint32_t kLocalStepsMax = 1U << 24;
inline constexpr std::uint64_t kHeldExamplesMax = 1ULL << 26;  ///< Of one set in one process.
/// Far beyond what any float32 needs: the smallest bound, raised by it, holds the largest value.
inline constexpr std::uint32_t kBoundRaiseLog2Max = 256;

// --- Wire --------------------------------------------------------------------------------------
inline constexpr std::size_t kTransferChunkBytesMin = 64U << 10;
inline constexpr std::size_t kTransferChunkBytes = 256U
                                                   << 10;  ///< Of a model, and what is granted.
inline constexpr std::size_t kTransferChunkBytesMax = 1U << 20;
inline constexpr std::size_t kControlMessageBytesMax = 1U << 20;  ///< `welcome` carries the job.
inline constexpr std::size_t kHeaderBytes = 64;
/// ZMQ_MAXMSGSIZE: a frame beyond it ends the connection before it is allocated.
inline constexpr std::size_t kFrameBytesMax = kTransferChunkBytesMax + 4096;
inline constexpr std::size_t kNameBytesMax = 64;  ///< Participant and job names.
inline constexpr std::size_t kJobBytesMax = 512U << 10;
inline constexpr std::size_t kRefusalTextBytesMax = 512;
inline constexpr std::size_t kLineageHistoryMax = 1024;
inline constexpr std::size_t kLinksPerIdentityMax = 8;  ///< Connections that one key may hold.
inline constexpr int kSocketHighWaterMessages = 64;

// --- Credit ------------------------------------------------------------------------------------
/// Bytes in flight of one transfer, both ways.
inline constexpr std::size_t kCreditWindowBytes = 8 * kTransferChunkBytes;
/// Model chunks a peer may have asked for and not yet been sent.
inline constexpr std::size_t kModelRequestsInFlightMax =
    kCreditWindowBytes / kTransferChunkBytesMin;
/// Update chunks that a coordinator holds in memory before they are spooled, of all peers together.
inline constexpr std::size_t kParkedPayloadBytesMax = 64U << 20;

// --- Aggregation -------------------------------------------------------------------------------
inline constexpr std::uint64_t kWeightMaxLog2 = 29;  ///< w * x is exact in a double.
inline constexpr std::uint64_t kWeightMaxDefault = 1ULL << 20;
inline constexpr std::uint64_t kUpdatesPerCommitMax = 1ULL << 20;
inline constexpr std::uint32_t kFoldThreadsMax = 64;

// --- Federation --------------------------------------------------------------------------------
inline constexpr std::uint32_t kRosterMax = 1U << 16;
inline constexpr std::uint32_t kCohortMax = 1U << 14;
inline constexpr std::size_t kEndedIncarnationsMax = 1U << 16;
/// Versions between an update's base and the parent of the one it counts in: a replay holds the
/// models of so many.
inline constexpr std::uint32_t kStalenessMax = 1'000;
/// Epochs before the current one whose nonces a state keeps: an hour of a start each second.
inline constexpr std::uint64_t kPastEpochsMax = 4096;
/// Versions committed and not yet evaluated: with more, rounds wait for the evaluator.
inline constexpr std::size_t kEvaluationsWaitingMax = 256;
inline constexpr std::int64_t kLeaseMsDefault = 10'000;
inline constexpr std::int64_t kLoopGapMsMax = 1'000;  ///< A longer gap is self-suspicion.
inline constexpr std::int64_t kDeadlinePersistMs = 500;
inline constexpr std::int64_t kReconnectMsMin = 50;
inline constexpr std::int64_t kReconnectMsMax = 5'000;
inline constexpr std::int64_t kBusyRetryMs = 50;
/// An upload of which nothing came for so long, or for a lease if that is longer, gives its place
/// to one that waits for it.
inline constexpr std::int64_t kUploadStallMs = 10'000;

/// Of journal.jsonl, and again of the one before it: more than a quarter of a million batches each.
inline constexpr std::uint64_t kJournalBytesMax = 16U << 20;

// --- Message fields ----------------------------------------------------------------------------
inline constexpr std::size_t kSmallMessageBytesMax = 1024;  ///< Body of all but welcome and task.
inline constexpr std::size_t kBulkSealsMax = 8;             ///< Seals that one hello may offer.
inline constexpr std::size_t kTensorScalesMax = 4 * kTensorsMax;  ///< Up to four lanes.
inline constexpr std::int32_t kExponentMagnitudeMax = 1024;       ///< Of bound_log2 and scale_log2.
inline constexpr std::int64_t kDurationMsMax =
    1'000LL * 3'600 * 24 * 366;  ///< Sums cannot overflow.

// --- Connections -------------------------------------------------------------------------------
inline constexpr int kHandshakeMsMax = 5'000;  ///< Then the connection is closed.
inline constexpr int kLinkOpenMsMax = 10'000;  ///< From Open to LinkUp.
inline constexpr int kHeartbeatIntervalMs = 5'000;
inline constexpr int kHeartbeatTimeoutMs = 20'000;   ///< Also the TTL told to the peer.
inline constexpr int kSocketsMax = 16'384;           ///< ZMQ_MAX_SOCKETS: six a client link.
inline constexpr int kLingerMs = 500;                ///< For a goodbye to leave a closed socket.
inline constexpr int kLastWordsMs = 200;             ///< For control's, once bulk is lost.
inline constexpr int kFullRetryMs = 5;               ///< How early Poll returns after `full`.
inline constexpr std::size_t kPollMessagesMax = 64;  ///< What one Poll hands out at most.
/// Failures of connections of one kind are told at most so often.
inline constexpr int kFailureReportMs = 1'000;
inline constexpr int kMonitorEventsPerTurn = 1'024;  ///< Then the news of them is told.

// --- File descriptors --------------------------------------------------------------------------
inline constexpr int kStoreFilesMax = 256;                 ///< RocksDB's max_open_files.
inline constexpr std::uint64_t kCoordinatorFilesOwn = 96;  ///< Logs, threads, sockets, questions.
inline constexpr std::uint64_t kServerFilesPerLink = 2;    ///< Control and bulk.
inline constexpr std::uint64_t kHostFilesOwn = 64;
/// Eight of its link, as many of one that it left behind, its lock and what it writes.
inline constexpr std::uint64_t kHostFilesPerParticipant = 20;

static_assert(kTransferChunkBytesMin <= kTransferChunkBytes);
static_assert(kTransferChunkBytes <= kTransferChunkBytesMax);
static_assert(kTransferChunkBytesMax + 512 <= kFrameBytesMax);  // The seal's share.
static_assert(kControlMessageBytesMax + 512 <= kFrameBytesMax);
static_assert(kJobBytesMax + 4096 <= kControlMessageBytesMax);
static_assert(kNameBytesMax + 4 * kHiddenLayersMax + 256 <= kJobBytesMax);
static_assert(kCreditWindowBytes >= kTransferChunkBytesMax);
static_assert(kParkedPayloadBytesMax >= kCreditWindowBytes);
static_assert(kVersionChunkBytes % kTensorAlignmentBytes == 0);
static_assert(kUploadStallMs >= kLeaseMsDefault, "bulk may be silent for as long as control");
static_assert(kCohortMax <= kRosterMax);
static_assert(2 * kCohortMax <= kUpdatesPerCommitMax);  // As many late ones as a cohort has.
static_assert(kTensorScalesMax * 8 + kSmallMessageBytesMax <= kControlMessageBytesMax);
static_assert(kRefusalTextBytesMax + 256 <= kSmallMessageBytesMax);
static_assert(kHeartbeatTimeoutMs < 65'600, "libzmq 4.3.4 wraps a larger TTL");
static_assert(kHandshakeMsMax < kLinkOpenMsMax);

}  // namespace muster::limits
