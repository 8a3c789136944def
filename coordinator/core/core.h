// The coordinator as a deterministic state machine without I/O: Step(event, now) -> effects.
//
// It owns who takes part, what a round asks for, when it closes and what is told to whom. It never
// sees bulk bytes: handles, sizes, digests and magnitudes only. See effects.h for the runtime's
// duties and docs/architecture.md for one update's way through the files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "checkpoint/retention.h"
#include "coordinator/core/deadline.h"
#include "coordinator/core/effects.h"
#include "coordinator/core/events.h"
#include "coordinator/core/status.h"
#include "model/job.h"
#include "protocol/records.h"

namespace muster::coordinator {

/// Of updates that are held in memory at a time, where the job accepts in memory.
inline constexpr std::uint64_t kMemoryAcceptBytes = 512U << 20;

/// What is this process's own and may change from start to start.
struct CoordinatorOptions {
  std::uint64_t rounds = 10;  ///< The job is finished after this many.
  DeadlineKind deadline = DeadlineKind::fixed;
  std::int64_t deadline_ms = 60'000;      ///< Of an attempt; the most where it is adaptive.
  std::int64_t deadline_k_milli = 5'000;  ///< Thousandths of k, where it is adaptive.
  std::int64_t lease_ms = 10'000;         ///< Silence that ends a session.
  std::uint32_t attempts_max = 0;         ///< Attempts of one round that may fail; 0: no limit.
  std::optional<double> target_accuracy;  ///< Finished early once evaluation reaches it.
  bool evaluate = true;                   ///< False where no held-out data is configured.
  std::int64_t goodbye_ms = 3'000;        ///< How long a finished job waits for goodbyes.
  std::int64_t drain_ms = 5'000;          ///< How long a drain waits for half-received uploads.
  RetentionPolicy retention;              ///< Which versions are held whole.
  /// Where the job accepts in memory: updates are granted only within it, or two at a time.
  std::uint64_t memory_accept_bytes = kMemoryAcceptBytes;

  DeadlineRule deadline_rule() const;
};

/// A round that is over, and what an update may still be late for.
struct UnfinishedRound {
  Round round = 0;
  Version parent = 0;
  std::vector<Slot> slots;  ///< RoundRecord::unfinished.
};

/// What the runtime knows of the recovered head that its record does not hold.
struct HeadFacts {
  Xxh128Digest model_digest{};  ///< Of what is downloaded (DownloadLayout).
  Version reported = 0;         ///< The last version that metrics.jsonl names.
  std::vector<Version> held;    ///< Versions whose chunks are there; head among them.
  /// Async: the newest copy of older content (checkpoint/copy_version.h) that an update could still
  /// reach over. What was trained before it belongs to what it left behind.
  Version oldest_base = 0;
  /// Where late updates are folded: those of this lineage that one can still be late for.
  std::vector<UnfinishedRound> unfinished;
};

/// Room in the spool for the updates of a round, for those of the version before it, which is still
/// being stored, and for one upload more than can still be accepted, of late ones too.
std::uint32_t SpoolExtentCount(const JobSpec& job);

/// Room in the spool of a job that accepts in memory: as many updates as fit in `bytes`, at least
/// two, at most a round's and one upload more.
std::uint32_t MemoryExtentCount(const JobSpec& job, std::uint64_t bytes,
                                std::uint64_t update_bytes);

/// Kept free for batches, logs and their merging: below it the database soon takes nothing more.
inline constexpr std::uint64_t kDiskReserveBytes = 32U << 20;

/// With fewer bytes free no upload is granted: room for the next version, whose size this is, and
/// the reserve.
std::uint64_t RoomForGrants(std::uint64_t version_bytes);

/// Not thread-safe; deterministic: equal construction and equal Steps give equal effects.
/// REQUIRES of `recovered`: the current start's epoch is in it and durable; job, head and lineage
/// are present (see runtime/bootstrap.h).
class CoordinatorCore {
 public:
  CoordinatorCore(const JobSpec& job, const CoordinatorOptions& options, RecoveredState recovered,
                  const HeadFacts& head);
  ~CoordinatorCore();

  /// The one way in. `now` never goes back.
  Effects Step(const Event& event, MonotonicMs now);

  /// With WaitDetail::brief it costs less than a step.
  WaitState Waiting(MonotonicMs now, WaitDetail detail = WaitDetail::full) const;
  StatusView Status(MonotonicMs now) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::coordinator
