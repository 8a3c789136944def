// The thread that keeps the mirror: a copy of the state on another volume, behind the rounds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "checkpoint/mirror.h"
#include "checkpoint/retention.h"
#include "checkpoint/state_key.h"
#include "checkpoint/store.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/mirror_status.h"

namespace muster::coordinator {

/// How long the end of a process waits for the mirror at most, looked at between chunks.
inline constexpr std::chrono::milliseconds kMirrorDrainMost{5'000};
inline constexpr std::chrono::milliseconds kMirrorFinishMost{60'000};

/// Nothing waits for it: a mirror that fails, is full or is not there is told of (MirrorChanged in
/// the inbox, when that changes) and tried again, more and more slowly. Thread-safe.
class MirrorThread {
 public:
  struct Setup {
    std::string mirror_dir;  ///< It must be there: a volume that is not mounted is no mirror.
    std::string state_dir;
    StateKey key;
    RetentionPolicy policy;
    Version head = 0;
    std::uint32_t lineage = 0;  ///< The newest one's number.
  };

  /// Begins to copy. `store` and `inbox` outlive it. What no retry mends, because it is not this
  /// state's mirror, is found by the thread: then it tells ThreadFailed and ends. That is
  /// config_invalid (it is the state directory), wrong_job, unknown_lineage, mirror_ahead,
  /// unsupported, restore_unfinished, and those of a key that does not fit; found by the first try
  /// alone, for what comes up in the place of a mirror later ends no run.
  MirrorThread(Setup setup, CheckpointStore& store, Inbox& inbox);
  /// As Finish, without waiting for what is not copied.
  ~MirrorThread();

  /// The version is committed, and its chunks are not there yet.
  void OnCommitted(Version version);
  /// There is something to copy.
  void OnStored();
  MirrorStatus status() const;
  /// What the thread ended with; nothing: it did not.
  std::optional<Error> refusal() const;

  /// Copies what there is to copy, for so long at most; then ends and joins the thread.
  void Finish(std::chrono::milliseconds most);

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  Status LookAtDirectory();
  Status Open();
  /// Waits until something is due. False: the thread ends.
  bool Await();
  Status Copy();
  Status Between();
  Version Committed() const;
  void Conclude(const Status& tried);

  const Setup setup_;
  CheckpointStore& store_;
  Inbox& inbox_;
  // The thread's own.
  std::unique_ptr<CheckpointStore> mirror_;
  DamagedVersions damaged_;       ///< Not read again.
  bool warning_is_news_ = false;  ///< Of damage, or of the volume.
  std::optional<Version> noted_;
  std::chrono::milliseconds backoff_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  MirrorStatus status_;
  std::optional<Error> refusal_;
  bool due_ = true;
  std::optional<Clock::time_point> retry_at_;
  std::optional<Clock::time_point> end_at_;  ///< Set: the thread is to end.
  std::thread thread_;
};

}  // namespace muster::coordinator
