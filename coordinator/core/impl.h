// The core's state. One class, its methods in files by subject; not included outside this folder.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "aggregation/strategy.h"
#include "coordinator/core/core.h"
#include "coordinator/core/late_rounds.h"
#include "coordinator/core/pace.h"
#include "coordinator/core/processes.h"
#include "coordinator/core/round_state.h"
#include "coordinator/core/session.h"
#include "coordinator/core/turns.h"
#include "model/parameter_set.h"

namespace muster::coordinator {

class CoordinatorCore::Impl {
 public:
  Impl(const JobSpec& job, const CoordinatorOptions& options, RecoveredState recovered,
       const HeadFacts& head);

  Effects Step(const Event& event, MonotonicMs now);
  WaitState Waiting(MonotonicMs now, WaitDetail detail) const;
  StatusView Status(MonotonicMs now) const;

 private:
  // core.cpp: events in.
  void On(const Started&), On(const Tick&), On(const Received&), On(const ChunkReceived&);
  void On(const Unreadable&), On(const LinkGone&), On(const HandshakeRefused&);
  void On(const Persisted&), On(const PersistRefused&), On(const SpoolPrepared&);
  void On(const SpoolRefused&), On(const SpoolSynced&), On(const ChunkStored&);
  void On(const ChunkRejected&), On(const UploadChecked&), On(const Folded&);
  void On(const VersionBuilt&), On(const VersionStored&), On(const VersionStoreRefused&);
  void On(const VersionDropped&), On(const BuildFailed&), On(const Evaluated&);
  void On(const DiskMeasured&), On(const EnrollRequested&), On(const RevokeRequested&);
  void On(const DrainRequested&);
  void NoticeGap(), ArmNextTimer();
  MonotonicMs NextDeadline(), NextLeaseEnd();
  void Emit(auto effect) { effects_.emplace_back(std::move(effect)); }
  void Count(const std::string& counter, std::uint64_t by = 1) { counters_[counter] += by; }
  void Note(Notice notice) { Emit(std::move(notice)); }
  void StopNow(Reason reason, std::string text);

  // sessions.cpp: who is here.
  void OnHello(const Received& received, const Hello& hello);
  void OnBulkHello(const Received& received, const BulkHello& hello);
  void OnSessionMessage(const Received& received, Session& session);
  std::optional<Refused> CheckHello(const RosterEntry* entry, const Hello& hello) const;
  SeenPast JudgeSeen(const std::optional<SeenState>& seen) const;
  void TakeOver(Session& old, const Hello& hello, LinkId link_of_hello);
  void Forgive(RosterIndex holder, const Incarnation& incarnation);
  void SendWelcome(const Session& session, const Hello& hello);
  void JudgeRetained(const Hello& hello, Welcome& welcome) const;
  void EndSession(RosterIndex index, Reason reason, bool successor = false);
  void ExpireLeases();
  Session* FindSession(LinkId link, const PublicKey& identity);
  void RefuseLink(LinkId link, Refused refusal, const std::string& who);
  void RefuseSession(const Session& session, Reason reason, std::optional<UpdateId> id,
                     std::string text, std::int64_t retry_after_ms = 0);
  void SendTo(RosterIndex index, Message message);

  // roster.cpp: who may be here.
  const RosterEntry* EntryOf(const PublicKey& key) const;
  std::string NameOf(RosterIndex index) const;
  void PumpAdmin();
  std::vector<RosterIndex> Drawable() const;

  // holders.cpp: who holds which slot.
  bool CanHold(RosterIndex index) const, MayHold(RosterIndex index, Slot slot) const;
  std::optional<Slot> SlotOf(RosterIndex holder) const;
  std::optional<RosterIndex> HolderOf(Slot slot) const;
  UpdateId IdOf(Slot slot) const, NextIdOf(Slot slot) const;
  bool IsAccepted(Slot slot) const, IsRefused(Slot slot, RosterIndex holder) const;
  void AddReach(Slot slot, Reach& reach) const, AsyncReach(Reach& reach) const;

  // leases.cpp: elastic data.
  bool Elastic() const, IsWhole(Slot slot) const, AwaitsBounds(Slot slot) const;
  void Lease(Slot slot, RosterIndex holder, Attempt passes), PassOn(Slot slot, RosterIndex to);
  std::optional<Slot> TakeLease(Session& session);
  std::vector<RosterIndex> FreeHolders() const;
  std::optional<Refused> JudgeBlockWeight(const Offer& offer) const;
  bool ClaimLease(const Session& session, Slot slot), IsFillable(Slot slot) const;
  void ResumeLease(Session& session), EndLease(RosterIndex holder);
  std::optional<Reason> JudgeLease(RosterIndex holder, const UpdateId& id) const;

  // async.cpp: no cohort; and, with late updates too, those of older bases.
  bool Async() const, TakesStale() const, MayBegin(const Session& session) const;
  std::uint32_t FactorOf(Version base) const;
  std::optional<UpdateId> LastAccepted(Slot slot) const;
  std::optional<Task> NextTask(Slot slot, Version base) const;
  std::optional<Refused> JudgeBase(const UpdateId& id, Version base) const;
  void GoOn(const std::vector<AcceptedUpdate>& accepted), CarryOver(), Miss(RosterIndex holder);
  void AskAnew(Session& session, Reason why), OrderByTurn(), LeaveUnfinished(), MakeWayForOwn();

  // offers.cpp: which updates are wanted.
  void OnOffer(Session& session, const Offer& offer);
  bool AnswerSettled(const Session& session, const Offer& offer);
  std::optional<Refused> JudgePast(const UpdateId& id, Version base) const;
  std::optional<Refused> JudgeRound(const Session& session, const Offer& offer) const;
  std::optional<Refused> CheckOffer(const Session& session, const Offer& offer) const;
  bool RefuseUnwanted(Session& session, const Offer& offer), MakeRoomForGrant(bool late);
  bool IsStalled(const Upload& upload, MonotonicMs now) const, LateOverCap() const;
  void PumpGrants(), PumpGrantsOf(bool late), GrantUpload(Session& session, const Offer& offer);
  bool MakeSlowestYield(bool late, bool at_once);
  void SendGrant(const Session& session, const Upload& upload);

  // uploads.cpp: from chunks to a durable accept.
  void DropUpload(Slot slot), DropAllUploads();
  void RefuseUpload(Slot slot, Reason reason, std::string text);
  void RefuseForGood(Slot slot, RefusedSlot refused, std::string text);
  bool IsWithinBounds(Slot slot, const std::vector<float>& tensor_max_abs), AcceptsInFlight() const;
  void NoteProgress(Upload& upload), AcceptUpdate(const AcceptedUpdate& update);
  void PumpSync(), PumpAccepts(), PumpFolds();
  std::vector<Upload*> InOrderOfFinish(std::size_t most, bool (*wanted)(const Upload&));
  Upload* FindUpload(UploadId id);
  AcceptedUpdate AcceptedOf(const Upload& upload) const;

  // memory_accept.cpp
  void AcceptInMemory(), FreeFolded(const UpdateId& id), StoreBuilt();

  // downloads.cpp
  void RefuseModel(Session& session, Version version);
  void OnModelRequest(Session& session, LinkId link, const ModelRequest& request);

  // persistence.cpp: batches and their tokens.
  void PersistFor(Purpose purpose, Batch batch), RetryBatches();
  void Release(const ForOpenRound&), Release(const ForDeadline&), Release(const ForAccepts&);
  void Release(const ForStored&), Release(const ForCommit&), Release(const ForEvaluation&);
  void Release(const ForFinish&), Release(const ForRoster&), Release(const ForDrain&);

  // phase_select.cpp
  void EnterSelect(), RetrySelect(), PersistOpenRound();
  std::optional<OpenRound> DrawRound(Round round, Version parent) const;
  std::vector<RosterIndex> Ranked(std::vector<RosterIndex> indexes, Round round) const;

  // phase_configure.cpp
  void EnterConfigure(std::optional<OpenRound> round, const std::vector<AcceptedUpdate>& accepted);
  void RequestSpool(), OrderTask(Session& session), OrderAllTasks();

  // phase_report.cpp
  void EnterReport(), CheckClose();
  std::size_t Goal() const, Quorum() const, NeededToOpen() const, OwnAccepted() const;
  bool AnyFillable() const, NextAttemptWouldHelp() const, AnyoneMayDeliver() const;
  bool FitsUnderCap(const RefusedSlot& refused) const, IsLate(const UpdateId& id) const;
  Reach WithinReach() const;
  bool BoundExhausted() const, QuorumImpossible() const, OpenRoundSum(), AllAwaitBounds() const;
  ReasonCounts RefusedByReason() const;
  std::string AttemptText() const, RoundText() const;
  std::size_t RaiseBounds(), TopUp(std::size_t wanted), AttemptsSpent() const;
  void WarnIfImpossible(), NextAttempt(Reason reason), RefillCohort(), PersistDeadline();
  bool InCohort(Slot slot) const, IsAsked(Slot slot) const;

  // stragglers.cpp
  void AdaptTo(OpenRound& round), NoteMissed();
  std::vector<RosterIndex> Awaited() const, AwaitedAsync() const;
  MonotonicMs DeadlineAt() const;
  std::string DeadlineWhy() const;
  DeadlineStatus DeadlineNow() const;

  // phase_commit.cpp, stored.cpp, retention.cpp
  void StoreHead(const RoundRecord& record), RetryStore(), DropOldVersions();
  void EnterCommit(bool by_deadline), PumpBuild(), PumpCommit(), PersistCommit();
  RoundRecord MakeRecord() const;
  void Announce(const RoundRecord& record), AnnounceStale(const RoundRecord& record);
  std::vector<UpdateFate> Fates(const RoundRecord& record) const;

  // evaluation.cpp
  void RequestEvaluation(Version version), ResumeReporting(), ReportEvaluated();
  bool EvaluationFirst() const, TargetReached() const;

  // finish.cpp
  void BeginFinish(Reason reason), EnterPhase(Phase phase);
  void SayFinished(), CheckGoodbyes(), CheckDrained();
  bool Halting() const { return draining_ || finishing_ || phase_ == Phase::stopped; }
  std::string DoingOf(RosterIndex index, MonotonicMs now) const, AfterDeadline() const;
  void WaitInPhase(MonotonicMs now, WaitDetail detail, WaitState& wait) const;
  void WaitInReport(MonotonicMs now, WaitDetail detail, WaitState& wait) const;

  // --- Fixed -----------------------------------------------------------------------------------
  const JobSpec job_;
  const Bytes job_bytes_;
  const Sha256Digest job_digest_;
  const std::unique_ptr<const Strategy> strategy_;
  const CoordinatorOptions options_;
  const bool in_memory_;                        ///< The job accepts in memory.
  const std::vector<std::uint32_t> staleness_;  ///< Factors by staleness; empty: none is stale.
  std::uint32_t extent_count_ = 0;
  std::optional<LaneSet> lanes_;
  LineageRecord lineage_;
  std::vector<LineageRecord> lineages_;
  EpochRecord epoch_;
  std::vector<Epoch> past_epochs_;  ///< Ascending by number.

  // --- The job's state, as far as it is durable --------------------------------------------------
  std::vector<RosterEntry> roster_;
  VersionManifest head_;
  Round head_round_ = 0;
  Xxh128Digest model_digest_{};
  std::map<Slot, UpdateFate> fates_;
  std::map<Version, EvaluationRecord> evaluations_;  ///< Of head; at the start, of the unreported.
  std::optional<FinishRecord> finish_;
  bool clear_finish_ = false;  ///< The next open round takes the stored end back.
  std::optional<OpenRound> recovered_round_;
  std::vector<AcceptedUpdate> recovered_accepted_;
  Version reported_ = 0, oldest_base_ = 0;  ///< The second: see HeadFacts.

  // --- This life ---------------------------------------------------------------------------------
  MonotonicMs now_ = 0, wait_since_ = 0, leases_last_until_ = 0;  ///< The third: at the least.
  std::optional<MonotonicMs> last_step_, armed_;
  Effects effects_;
  Phase phase_ = Phase::starting;
  std::optional<RoundState> round_;
  std::optional<UnstoredVersion> unstored_;
  std::set<Version> held_, dropping_;  ///< With all their chunks; of them, those that go just now.
  std::map<RosterIndex, Session> sessions_;
  std::map<LinkId, RosterIndex> links_;  ///< Control and bulk links of live sessions.
  Processes processes_;
  std::map<Slot, Upload> uploads_;
  std::map<UploadId, Slot> upload_slots_;
  std::set<std::uint32_t> free_extents_;
  std::multimap<UpdateId, std::uint32_t> in_sum_soon_;  ///< Accepted in memory: their extents.
  std::deque<RosterIndex> grant_queue_;
  Turns turns_;  ///< Async; of late updates how often their uploads gave way.
  LateRounds late_rounds_;
  std::uint64_t bytes_to_store_ = 0;  ///< Given to StoreChunk and not yet stored, of all uploads.
  MonotonicMs spool_behind_at_ = 0;   ///< When that was last enough to hold up the senders.
  std::uint64_t next_id_ = 1, next_finished_order_ = 1;  ///< The second: of whole uploads.
  std::map<Token, PendingBatch> batches_;
  std::optional<Token> sync_token_, spool_token_;
  std::optional<MonotonicMs> spool_retry_at_;
  bool spool_ready_ = false, disk_short_ = false;  ///< The disk: so that nothing is granted.
  std::set<Version> evaluating_, unreported_;  ///< The second: evaluated; one before them is not.
  std::deque<PendingAdmin> admin_queue_;
  bool admin_in_flight_ = false, draining_ = false, finishing_ = false;
  std::optional<MonotonicMs> halt_deadline_;    ///< Of a drain or of the goodbyes.
  std::optional<MonotonicMs> select_deadline_;  ///< When a select without a quorum says so again.
  Pace pace_{job_.round.goal};
  PaceEstimate pace_of_attempt_;  ///< That its deadline was adapted to.
  std::map<std::string, std::uint64_t> counters_;
};

}  // namespace muster::coordinator
