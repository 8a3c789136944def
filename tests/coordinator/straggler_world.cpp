#include "tests/coordinator/straggler_world.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "aggregation/strategy.h"
#include "common/digest.h"
#include "common/limits.h"
#include "common/random.h"

namespace muster::coordinator {
namespace {

constexpr std::uint64_t kParameters = 32;
constexpr std::uint64_t kRoundsMost = 1'000'000;

PublicKey KeyOf(RosterIndex member) {
  PublicKey key;
  key.bytes.fill(static_cast<std::byte>(member + 1));
  return key;
}

// Control links are even, bulk links odd.
LinkId ControlOf(RosterIndex member) { return 2 * (LinkId{member} + 1); }

std::uint64_t UpdateBytes(const JobSpec& job, const VersionManifest& head) {
  std::vector<TensorSpec> model = head.tensors;
  model.resize(head.model_tensor_count);
  return LanesOf(*CreateStrategy(job), *ParameterLayout::Create(std::move(model)))
      ->layout()
      .total_bytes();
}

}  // namespace

VersionManifest StragglerWork::Initial() {
  head_.tensors = {{"parameters", DType::f32, {kParameters}}};
  head_.model_tensor_count = 1;
  head_.model_bytes = head_.total_bytes = kParameters * sizeof(float);
  head_.tensor_max_abs = {0.5F};
  return head_;
}

StragglerWork::Update StragglerWork::Train(const TaskOrder&) { return {.tensor_max_abs = {0.25F}}; }
void StragglerWork::OpenSum(const std::vector<TensorScale>&) {}
void StragglerWork::Fold(const muster::coordinator::Fold&) {}
void StragglerWork::Commit(const RoundRecord&, MonotonicMs) {}

Event StragglerWork::Build(const BuildVersion& build) {
  head_.version = build.version;
  return VersionBuilt{head_, {}};
}

JobSpec StragglerWorld::HandlesJob() {
  JobSpec job;
  job.model.kind = ModelKind::synthetic;
  job.model.parameters = kParameters;
  job.data.source = DataSource::none;
  job.data.parts = 20;
  job.round.goal = 10;
  job.round.quorum = 7;
  return job;
}

// The duration of a slot's update on a base is the draw of its task's number in the pair's stream.
std::int64_t StragglerWorld::DurationMs(std::uint64_t seed, const UpdateId& id, Slowness slowness) {
  const bool anew = slowness == Slowness::of_update;
  KeyedStream stream(seed, "straggler", {anew ? id.round : 0, id.slot});
  double z = 0;
  for (Task task = 0; task <= (anew ? id.task : 0); ++task) {
    z = -6;
    for (int i = 0; i < 12; ++i) z += stream.Unit();
  }
  return static_cast<std::int64_t>(kShortestMs * (1 + 3 * (z < 0 ? -z : z)));
}

StragglerWorld::StragglerWorld(const Setup& setup, StragglerWork* work)
    : setup_(setup), work_(work == nullptr ? handles_ : *work) {
  const JobSpec& job = setup_.job;
  const VersionManifest head = work_.Initial();
  update_bytes_ = UpdateBytes(job, head);
  MUSTER_CHECK(update_bytes_ <= limits::kCreditWindowBytes, "an update is one chunk here");
  RecoveredState state;
  state.job = JobRecord{EncodeJob(job), JobDigest(job), true};
  state.lineages = {{{1, 11}, 0, 0}};
  state.epoch = {{1, 1}, 1};
  state.head = head;
  state.last_record = RoundRecord();
  for (RosterIndex i = 0; i < job.data.parts; ++i) {
    state.roster.push_back({i, "site-" + std::to_string(i), KeyOf(i), false});
  }
  fence_ = {1, state.epoch.epoch};
  CoordinatorOptions options;
  options.rounds = kRoundsMost;
  options.evaluate = false;
  options.lease_ms = 1'000'000'000;
  options.deadline = setup.rule.kind;
  options.deadline_ms = setup.rule.most_ms;
  options.deadline_k_milli = setup.rule.k_milli;
  core_ = std::make_unique<CoordinatorCore>(job, options, std::move(state), HeadFacts{{}, 0, {0}});
  Feed(Started{});
  for (RosterIndex i = 0; i < job.data.parts; ++i) {
    Incarnation incarnation;
    incarnation.bytes[0] = static_cast<std::byte>(i + 1);
    Hello hello;
    hello.name = "site-" + std::to_string(i);
    hello.incarnation = incarnation;
    Feed(Received{ControlOf(i), KeyOf(i), {}, hello});
    Feed(Received{ControlOf(i) + 1, KeyOf(i), fence_, BulkHello{incarnation}});
  }
}
StragglerWorld::~StragglerWorld() = default;

Received StragglerWorld::MessageOf(RosterIndex member, Message message) const {
  return {ControlOf(member), KeyOf(member), fence_, std::move(message)};
}

void StragglerWorld::Feed(Event event) {
  events_.push_back(std::move(event));
  if (std::exchange(feeding_, true)) return;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    for (const Effect& effect : core_->Step(next, now_)) Perform(effect);
  }
  feeding_ = false;
}

// An order that is said again changes nothing; and what may count late is handed in first.
void StragglerWorld::Begin(RosterIndex member, const TaskOrder& task) {
  const RoundSpec& round = setup_.job.round;
  const auto [work, fresh] = working_.try_emplace(member);
  if (!fresh && work->second.task.id == task.id) return;
  const bool stays = !fresh && round.late == LatePolicy::fold &&
                     task.id.round - work->second.task.id.round <= round.staleness_max;
  if (stays) return;
  work->second = {task, now_ + DurationMs(setup_.job.seed, task.id, setup_.slowness)};
  for (std::uint64_t at = 0; at < task.model_bytes; at += limits::kTransferChunkBytes) {
    const auto bytes = std::min<std::uint64_t>(limits::kTransferChunkBytes, task.model_bytes - at);
    Feed(Received{ControlOf(member) + 1, KeyOf(member), fence_,
                  ModelRequest{task.base_version, at, static_cast<std::uint32_t>(bytes)}});
  }
}

void StragglerWorld::PerformSend(const Send& send) {
  const auto member = static_cast<RosterIndex>(send.link / 2 - 1);
  if (const auto* task = std::get_if<TaskOrder>(&send.message)) {
    Begin(member, *task);
  } else if (const auto* grant = std::get_if<Grant>(&send.message)) {
    payloads_[++last_payload_] = grant->id;
    Feed(ChunkReceived{ControlOf(member) + 1, KeyOf(member), fence_,
                       UpdateChunk{grant->id, 0, static_cast<std::uint32_t>(update_bytes_), 0},
                       last_payload_});
  } else if (const auto* refused = std::get_if<Refused>(&send.message)) {
    if (refused->id) done_.erase(*refused->id);
    const auto work = working_.find(member);
    const bool over = refused->reason == Reason::round_closed ||
                      (refused->reason == Reason::too_stale && work != working_.end() &&
                       refused->id == work->second.task.id);
    if (over) working_.erase(member);
  }
}

void StragglerWorld::Store(const StoreChunk& store) {
  const StragglerWork::Update& update = done_.at(payloads_.extract(store.payload).mapped());
  if (!update.finite) return Feed(ChunkRejected{store.upload, Reason::not_finite});
  const UploadChecked checked{store.upload, update.digest, true, update.tensor_max_abs};
  Feed(ChunkStored{store.upload, update_bytes_});
  Feed(checked);
}

void StragglerWorld::Perform(const Effect& effect) {
  if (const auto* send = std::get_if<Send>(&effect)) {
    PerformSend(*send);
  } else if (const auto* persist = std::get_if<Persist>(&effect)) {
    for (const Mutation& mutation : persist->batch.mutations) {
      const auto* put = std::get_if<PutRoundRecord>(&mutation);
      if (put == nullptr) continue;
      const RoundRecord& record = put->record;
      played_.push_back({now_ - std::exchange(last_commit_, now_), record.accepted.size(),
                         record.deadline_ms, record.closed_by_deadline});
      for (const RecordedUpdate& update : record.accepted) done_.erase(update.id);
      work_.Commit(record, now_);
    }
    Feed(Persisted{persist->token});
  } else if (const auto* prepare = std::get_if<PrepareSpool>(&effect)) {
    Feed(SpoolPrepared{prepare->token});
  } else if (const auto* store = std::get_if<StoreChunk>(&effect)) {
    Store(*store);
  } else if (const auto* sync = std::get_if<SyncSpool>(&effect)) {
    Feed(SpoolSynced{sync->token});
  } else if (const auto* open = std::get_if<OpenSum>(&effect)) {
    work_.OpenSum(open->scales);
  } else if (const auto* fold = std::get_if<Fold>(&effect)) {
    work_.Fold(*fold);
    Feed(Folded{fold->id});
  } else if (const auto* build = std::get_if<BuildVersion>(&effect)) {
    Feed(work_.Build(*build));
  } else if (const auto* stored = std::get_if<StoreVersion>(&effect)) {
    Feed(VersionStored{stored->version});
  } else if (const auto* drop = std::get_if<DropVersion>(&effect)) {
    Feed(VersionDropped{drop->version, true});
  } else if (const auto* arm = std::get_if<ArmTimer>(&effect)) {
    armed_ = arm->at;
  }
}

// To the next moment in which something happens; one update at a time, for each may close a round
// and give everybody another task.
void StragglerWorld::Advance(MonotonicMs end) {
  MonotonicMs next = std::min(end, now_ + kTickMsMax);
  if (armed_ > now_) next = std::min(next, armed_);
  for (const auto& [member, work] : working_) next = std::min(next, work.done_at);
  now_ = next;
  const auto is_done = [this](const auto& entry) { return entry.second.done_at <= now_; };
  for (auto found = std::ranges::find_if(working_, is_done); found != working_.end();
       found = std::ranges::find_if(working_, is_done)) {
    const RosterIndex member = found->first;
    const TaskOrder task = found->second.task;
    working_.erase(found);
    const StragglerWork::Update& update = done_[task.id] = work_.Train(task);
    Feed(MessageOf(member,
                   Offer{task.id, update.digest, update_bytes_, update.weight, task.base_version}));
  }
  Feed(Tick{});
}

std::vector<StragglerWorld::Played> StragglerWorld::Play(std::size_t rounds) {
  played_.clear();
  while (played_.size() < rounds) Advance(std::numeric_limits<MonotonicMs>::max());
  played_.resize(rounds);
  return played_;
}

void StragglerWorld::PlayUntil(MonotonicMs end, const std::function<bool()>& done) {
  while (now_ < end) {
    const std::size_t before = played_.size();
    Advance(end);
    if (played_.size() > before && done()) return;
  }
}

}  // namespace muster::coordinator
