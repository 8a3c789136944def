// The loop thread: owns the core and the control socket, feeds events in, has effects performed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "common/error.h"
#include "common/run_outcome.h"
#include "coordinator/core/core.h"
#include "coordinator/runtime/admin_server.h"
#include "coordinator/runtime/bulk_thread.h"
#include "coordinator/runtime/disk_room.h"
#include "coordinator/runtime/evaluator.h"
#include "coordinator/runtime/fold_thread.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/key_gate.h"
#include "coordinator/runtime/message_encoder.h"
#include "coordinator/runtime/mirror_thread.h"
#include "coordinator/runtime/notice_log.h"
#include "coordinator/runtime/payload_table.h"
#include "coordinator/runtime/status_json.h"
#include "coordinator/runtime/store_thread.h"
#include "coordinator/runtime/traffic.h"
#include "coordinator/runtime/upload_workers.h"
#include "coordinator/runtime/version_thread.h"
#include "transport/transport.h"

namespace muster::coordinator {

/// Performs the core's effects in the order given (effects.h, "The runtime's duties"): those of the
/// control channel, notices and timers itself, all else by the threads that it is given. Decides
/// nothing. Not thread-safe.
class CoreLoop {
 public:
  /// All outlive the loop.
  struct Parts {
    CoordinatorCore& core;
    ServerSocket& control;
    RosterGate& gate;
    Inbox& inbox;
    PayloadTable& payloads;
    Traffic& traffic;
    NoticeLog& notices;
    AdminServer& admin;
    BulkThread& bulk;
    StoreThread& store;
    UploadWorkers& uploads;
    FoldThread& fold;
    Evaluator& evaluator;
    VersionThread& versions;
    MirrorThread* mirror;  ///< Null: there is none.
    DiskGauge& disk;
  };

  /// `facts`: what of them does not change. `encoder`: for the control channel.
  CoreLoop(Parts parts, StatusFacts facts, const MessageEncoder& encoder);

  /// Runs until the core stops or a thread fails. Errors: what the thread met.
  Result<RunOutcome> Run();

  /// As the core last gave it.
  const std::vector<RosterEntry>& roster() const { return roster_; }

 private:
  /// Inputs are polled at most so often before a Tick that is due: a flood cannot stop the clock.
  static constexpr int kDrainTurnsMax = 64;

  bool ended() const { return outcome_.has_value(); }
  /// Steps the core with the event, performs what follows, and so on until nothing follows.
  void Feed(Event event);
  /// True if any message came.
  bool PollControl(std::chrono::milliseconds timeout);
  /// True if anything was in the inbox.
  bool TakeInbox();
  void Take(const Event& event);
  void Take(const AskStatus& ask);
  void Take(const AskRoster& ask);
  void Take(const ThreadFailed& failed);
  void Take(const MirrorChanged& changed);
  void TakeMessage(ServerMessage& message);
  void TickIfDue();
  void MeasureDisk();

  void Perform(const Send& effect);
  void Perform(const SendModelChunk& effect) { parts_.bulk.Do(effect); }
  void Perform(const DropLink& effect);
  void Perform(const Persist& effect) { parts_.store.Do(effect); }
  void Perform(const PrepareSpool& effect) { parts_.store.Do(effect); }
  void Perform(const OpenUpload& effect) { parts_.uploads.Do(effect); }
  void Perform(const StoreChunk& effect) { parts_.uploads.Do(effect); }
  void Perform(const DropPayload& effect) { parts_.payloads.Drop(effect.payload); }
  void Perform(const CloseUpload& effect) { parts_.uploads.Do(effect); }
  void Perform(const SyncSpool& effect) { parts_.store.Do(effect); }
  void Perform(const OpenSum& effect) { parts_.fold.Do(effect); }
  void Perform(const Fold& effect) { parts_.fold.Do(effect); }
  void Perform(const BuildVersion& effect) { parts_.fold.Do(effect); }
  void Perform(const AdvanceHead& effect);
  void Perform(const StoreVersion& effect) {
    parts_.versions.Do(effect, parts_.fold.Contents(effect.version));
  }
  void Perform(const Evaluate& effect) { parts_.evaluator.Do(effect); }
  void Perform(const DropVersion& effect) { parts_.versions.Do(effect); }
  void Perform(const SetRoster& effect);
  void Perform(const AnswerAdmin& effect);
  void Perform(const Notice& effect);
  void Perform(const ArmTimer& effect) { armed_at_ = effect.at; }
  void Perform(const Stop& effect) { outcome_ = RunOutcome{effect.reason, effect.text}; }

  Parts parts_;
  StatusFacts facts_;
  MessageEncoder encoder_;
  std::vector<RosterEntry> roster_;
  std::deque<Event> events_;  ///< Not yet stepped; empty between calls of Feed.
  std::vector<ServerMessage> received_;
  std::optional<MonotonicMs> armed_at_;
  MonotonicMs ticked_at_ = 0;
  std::optional<Result<RunOutcome>> outcome_;
};

}  // namespace muster::coordinator
