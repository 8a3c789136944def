#include "coordinator/runtime/serve.h"

#include <unistd.h>
#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "coordinator/runtime/core_loop.h"
#include "coordinator/runtime/reproducible.h"
#include "model/staleness.h"

namespace muster::coordinator {
namespace {

/// The newest version before head that nobody can tell of any more: lost with the log, or removed
/// before it was evaluated. What is told goes on behind it.
Version NewestUntellable(CheckpointStore& store, bool evaluate, Version reported, Version head) {
  const std::vector<Version> held_list = store.HeldVersions();
  std::set<Version> evaluable(held_list.begin(), held_list.end());
  for (const EvaluationRecord& record : store.recovered().evaluations) {
    evaluable.insert(record.version);
  }
  for (Version version = head; version > reported + 1;) {
    --version;
    const bool known = !evaluate || evaluable.contains(version);
    if (!known || !store.ReadRoundRecord(version)) return version;
  }
  return reported;
}

Result<NoticeLog> OpenNotices(const ServerOptions& options, const ServeParts& parts,
                              Traffic& traffic, Version head, MonotonicMs now) {
  const std::string path = options.state_dir + "/metrics.jsonl";
  Result<LineLog> metrics = LineLog::Open(path);
  MUSTER_TRY(metrics);
  const Result<Version> reported = LastReportedVersion(path);
  MUSTER_TRY(reported);
  const Version told =
      NewestUntellable(parts.store, options.core.evaluate, std::min(*reported, head), head);
  return NoticeLog({parts.store, traffic, parts.log, std::move(*metrics), options.core.evaluate,
                    told, head, now});
}

/// Turns the transport's refusals into events for as long as it lives.
class RefusalWatch {
 public:
  RefusalWatch(RosterGate& gate, Inbox& inbox) : gate_(gate) {
    gate_.Observe([&inbox](const PublicKey& key, Reason reason) {
      inbox.Push(Event(HandshakeRefused{key, reason}));
    });
  }
  ~RefusalWatch() { gate_.Observe({}); }
  RefusalWatch(const RefusalWatch&) = delete;
  RefusalWatch& operator=(const RefusalWatch&) = delete;

 private:
  RosterGate& gate_;
};

/// Null without a mirror.
std::unique_ptr<MirrorThread> StartMirror(const ServerOptions& options, CheckpointStore& store,
                                          Version head, std::uint32_t lineage, Inbox& inbox) {
  if (options.mirror.empty()) return nullptr;
  return std::make_unique<MirrorThread>(
      MirrorThread::Setup{options.mirror, options.state_dir, options.state_key,
                          options.core.retention, head, lineage},
      store, inbox);
}

/// How far the copy came at the end.
std::optional<MirrorStatus> FinishMirror(MirrorThread* mirror, Reason end) {
  if (mirror == nullptr) return std::nullopt;
  mirror->Finish(end == Reason::finished ? kMirrorFinishMost : kMirrorDrainMost);
  return mirror->status();
}

Reproducibility Judge(const JobSpec& job, const ServeParts& parts, const RecoveredState& state,
                      const RunOutcome& outcome, std::span<const RosterEntry> roster) {
  if (outcome.reason != Reason::finished) return {};
  Result<Reproducibility> verdict = JudgeReproducibility(
      parts.store, job, state.job->trainer_deterministic, state.lineages, roster);
  if (verdict) return *std::move(verdict);
  parts.log.Fail("cannot read the round records", {{"error", verdict.error().Text()}});
  Reproducibility unknown;
  unknown.reproducible = false;
  unknown.causes.push_back({0, verdict.error().reason, ""});
  unknown.cause_count = 1;
  return unknown;
}

}  // namespace

Result<RunOutcome> Serve(const JobSpec& job, const ServerOptions& options, const ServeParts& parts,
                         Bootstrapped start, int signal_fd) {
  const Version head_version = start.state.head->version;
  const auto head = std::make_shared<const ParameterSet>(std::move(start.head));
  Traffic traffic;
  PayloadTable payloads;
  SharedSpool spool(parts.spool);
  Inbox inbox([&parts] { parts.control.Wake(); });
  Result<NoticeLog> notices = OpenNotices(options, parts, traffic, head_version, MonotonicNow());
  MUSTER_TRY(notices);
  notices->OnRoster(start.state.roster);
  notices->WriteStarted(start.state.epoch, head_version);

  const Result<LaneSet> lanes = LanesOf(parts.strategy, parts.trainer.layout());
  MUSTER_TRY(lanes);
  const std::size_t thread_count = std::max<std::size_t>(options.fold_threads, 1);
  FoldThread fold({.strategy = parts.strategy,
                   .lanes = *lanes,
                   .capacity = {WeightInSumMax(job), UpdatesInSumMax(job.round)},
                   .thread_count = thread_count,
                   .full_factor = FullFactor(job)},
                  head, spool, inbox);
  const Fence fence{start.state.lineages.back().id.number, start.state.epoch.epoch};
  const MessageEncoder encoder(start.state.job->digest, fence);
  // Threads end in the opposite order: first those that bring work in, then those that do it.
  StoreThread store(parts.store, spool, inbox);
  VersionThread versions(parts.store, inbox);
  UploadWorkers uploads(lanes->layout(), thread_count, payloads, spool, inbox);
  Evaluator evaluator(parts.trainer, parts.store, inbox);
  evaluator.SetHead(head_version, head);
  BulkThread bulk(parts.bulk, encoder, payloads, inbox, traffic);
  bulk.SetHead(head_version, head);
  const auto mirror = StartMirror(options, parts.store, head_version, fence.lineage, inbox);
  RefusalWatch refusals(parts.gate, inbox);
  auto admin = AdminServer::Start(options.state_dir, signal_fd, inbox);
  MUSTER_TRY(admin);

  const HeadFacts facts{start.model_digest, notices->reported(), parts.store.HeldVersions(),
                        start.oldest_base, start.unfinished};
  CoordinatorCore core(job, options.core, start.state, facts);
  // What grows with the rounds is the core's to keep or to forget.
  start.state.evaluations = {};
  const RecoveredState& state = start.state;
  StatusFacts status_facts;
  status_facts.job_name = job.name;
  status_facts.job_digest = state.job->digest;
  status_facts.pid = getpid();
  DiskGauge disk(options.state_dir, RoomForGrants(state.head->total_bytes));
  CoreLoop loop({core, parts.control, parts.gate, inbox, payloads, traffic, *notices, **admin, bulk,
                 store, uploads, fold, evaluator, versions, mirror.get(), disk},
                std::move(status_facts), encoder);
  Result<RunOutcome> outcome = loop.Run();

  spool.Close();
  if (!outcome) {
    parts.log.Fail("stopped", {{"error", outcome.error().Text()}});
    return outcome;
  }
  versions.Finish();
  store.Finish();
  const std::optional<MirrorStatus> mirrored = FinishMirror(mirror.get(), outcome->reason);
  if (mirror != nullptr && mirror->refusal()) return *mirror->refusal();
  const StatusView end = core.Status(MonotonicNow());
  notices->WriteEnd(*outcome, end, CountsOf(end.counters, parts.gate.uncounted()),
                    Judge(job, parts, state, *outcome, loop.roster()), mirrored);
  return outcome;
}

}  // namespace muster::coordinator
