// One participant of a host: its core, and everything that performs the core's effects.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/file.h"
#include "common/run_outcome.h"
#include "participant/core/core.h"
#include "participant/runtime/completions.h"
#include "participant/runtime/fit.h"
#include "participant/runtime/host.h"
#include "participant/runtime/model_buffer.h"
#include "participant/runtime/outbox.h"
#include "participant/runtime/worker_pool.h"
#include "protocol/header.h"

namespace muster::participant {

class Member;

/// What the members of a host share. The loop thread's, but for the pools and completions.
struct HostParts {
  const HostOptions& options;
  ClientTransport& transport;
  Completions& completions;
  WorkerPool& training;
  WorkerPool& disk;  ///< One thread: saves happen in order.
  std::map<LinkId, Member*> links;
  MonotonicMs now = 0;  ///< Of this turn of the loop.
};

/// Not thread-safe: the loop thread's.
class Member {
 public:
  /// Takes the state directory's lock and reads what an earlier process left.
  /// Errors: state_in_use, damage, unsupported, file_unreadable, io_failed.
  static Result<std::unique_ptr<Member>> Open(HostParts& parts, std::size_t index);

  void Start() { Deliver(Started{}); }
  void OnTransport(ClientEvent event);
  void OnCompletion(Completion completion);
  void OnStopRequested() { Deliver(StopRequested{}); }
  /// Once a turn, after the inbox is empty: sends what waited for room, ticks when it is time.
  void OnTurn();

  /// Set when the participant has ended.
  const std::optional<RunOutcome>& outcome() const { return outcome_; }
  /// When OnTurn has something to do by itself.
  MonotonicMs NextTurn() const;

 private:
  Member(HostParts& parts, std::size_t index, FileLock lock, DurableState state, Payload update);

  void Deliver(Event event);
  void OnMessage(Channel channel, Frame frame);

  void Perform(const Connect&);
  void Perform(const Disconnect&) { CloseLink(); }
  void Perform(const Send& effect) { Enqueue(control_, effect.message, effect.fence, {}); }
  void Perform(const SendBulk& effect) { Enqueue(bulk_, effect.message, effect.fence, {}); }
  void Perform(const SendUpdateChunk& effect);
  void Perform(const SetJob& effect);
  void Perform(const OpenModel& effect);
  void Perform(const StoreChunk& effect);
  void Perform(const DropPayload&) { incoming_ = {}; }
  void Perform(const StartFit& effect);
  void Perform(const StopFit& effect);
  void Perform(const SaveState& effect);
  void Perform(const ForgetUpdate&);
  void Perform(const PromoteClient&);
  void Perform(const ForgetPosition&);
  void Perform(const Notice& effect);
  void Perform(const ArmTimer& effect) { armed_ = effect.at; }
  void Perform(const Stop& effect);

  void Enqueue(Outbox& outbox, const Message& message, const Fence& fence, Payload payload);
  void Flush(Outbox& outbox);
  void CloseLink();
  void LoseLink(Reason reason);
  /// Ends the participant for a reason that the core does not know of.
  void Fail(const Error& error);
  void EndFit(bool save_position);
  void Remove(const std::string& path);

  HostParts& parts_;
  const std::size_t index_;
  const ParticipantSpec& spec_;
  const StatePaths paths_;
  FileLock lock_;
  ParticipantCore core_;
  std::optional<RunOutcome> outcome_;

  std::deque<Event> pending_;  ///< Effects may cause events: one Step at a time.
  bool delivering_ = false;
  MonotonicMs ticked_at_ = 0;
  std::optional<MonotonicMs> armed_;

  LinkId link_ = 0;
  std::uint64_t sequence_ = 0;
  bool keeps_client_state_ = false;  ///< The job.
  JobPrefix job_prefix_{};
  Outbox control_{Channel::control};
  Outbox bulk_{Channel::bulk};

  PayloadHandle handles_ = 0;
  Payload incoming_;  ///< The chunk of the Step under way.
  ModelBuffer model_;
  Payload update_;  ///< The bytes of the retained update.
  std::shared_ptr<Trainer> trainer_;
  std::shared_ptr<const Strategy> strategy_;  ///< With trainer_.
  std::shared_ptr<Fit> fit_;
};

}  // namespace muster::participant
