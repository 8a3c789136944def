#include "tests/coordinator/straggler_world.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/digest.h"
#include "common/random.h"

namespace muster::coordinator {
namespace {

constexpr std::uint64_t kParameters = 32;
constexpr std::uint64_t kBytes = kParameters * sizeof(float);
constexpr std::uint64_t kRoundsMost = 1'000'000;

JobSpec JobOf(const StragglerWorld::Setup& setup) {
  JobSpec job;
  job.seed = setup.seed;
  job.model.kind = ModelKind::synthetic;
  job.model.parameters = kParameters;
  job.data.source = DataSource::none;
  job.data.parts = setup.participants;
  job.round.goal = setup.goal;
  job.round.quorum = setup.quorum;
  job.round.over_select = setup.over_select;
  return job;
}

PublicKey KeyOf(RosterIndex member) {
  PublicKey key;
  key.bytes.fill(static_cast<std::byte>(member + 1));
  return key;
}

// Control links are even, bulk links odd.
LinkId ControlOf(RosterIndex member) { return 2 * (member + 1); }

}  // namespace

std::int64_t StragglerWorld::DurationMs(std::uint64_t seed, RosterIndex member, Round round) {
  KeyedStream stream(seed, "straggler", {round, member});
  double z = -6;
  for (int i = 0; i < 12; ++i) z += stream.Unit();
  return static_cast<std::int64_t>(kShortestMs * (1 + 3 * (z < 0 ? -z : z)));
}

StragglerWorld::StragglerWorld(const Setup& setup) : setup_(setup) {
  const JobSpec job = JobOf(setup);
  head_.tensors = {{"parameters", DType::f32, {kParameters}}};
  head_.model_tensor_count = 1;
  head_.model_bytes = kBytes;
  head_.total_bytes = kBytes;
  head_.tensor_max_abs = {0.5F};
  RecoveredState state;
  state.job = JobRecord{EncodeJob(job), JobDigest(job), true};
  state.lineages = {{{1, 11}, 0, 0}};
  state.epoch = {{1, 1}, 1};
  state.head = head_;
  state.last_record = RoundRecord();
  for (RosterIndex i = 0; i < setup.participants; ++i) {
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
  for (RosterIndex i = 0; i < setup.participants; ++i) {
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

void StragglerWorld::PerformSend(const Send& send) {
  const auto member = static_cast<RosterIndex>(send.link / 2 - 1);
  if (const auto* task = std::get_if<TaskOrder>(&send.message)) {
    const auto [work, fresh] = working_.try_emplace(member);
    // An order that is said again changes nothing.
    if (!fresh && work->second.task.id == task->id) return;
    work->second = {*task, now_ + DurationMs(setup_.seed, member, task->id.round)};
  } else if (const auto* grant = std::get_if<Grant>(&send.message)) {
    Feed(ChunkReceived{ControlOf(member) + 1, KeyOf(member), fence_,
                       UpdateChunk{grant->id, 0, static_cast<std::uint32_t>(kBytes), 0}, 1});
  } else if (const auto* refused = std::get_if<Refused>(&send.message)) {
    if (refused->reason == Reason::round_closed) working_.erase(member);
  }
}

void StragglerWorld::Perform(const Effect& effect) {
  if (const auto* send = std::get_if<Send>(&effect)) {
    PerformSend(*send);
  } else if (const auto* persist = std::get_if<Persist>(&effect)) {
    for (const Mutation& mutation : persist->batch.mutations) {
      const auto* put = std::get_if<PutRoundRecord>(&mutation);
      if (put == nullptr) continue;
      played_.push_back({now_ - std::exchange(last_commit_, now_), put->record.accepted.size(),
                         put->record.deadline_ms, put->record.closed_by_deadline});
    }
    Feed(Persisted{persist->token});
  } else if (const auto* prepare = std::get_if<PrepareSpool>(&effect)) {
    Feed(SpoolPrepared{prepare->token});
  } else if (const auto* store = std::get_if<StoreChunk>(&effect)) {
    Feed(ChunkStored{store->upload, kBytes});
    Feed(UploadChecked{store->upload, {}, true, {0.25F}});
  } else if (const auto* sync = std::get_if<SyncSpool>(&effect)) {
    Feed(SpoolSynced{sync->token});
  } else if (const auto* fold = std::get_if<Fold>(&effect)) {
    Feed(Folded{fold->id});
  } else if (const auto* build = std::get_if<BuildVersion>(&effect)) {
    head_.version = build->version;
    Feed(VersionBuilt{head_, {}});
  } else if (const auto* stored = std::get_if<StoreVersion>(&effect)) {
    Feed(VersionStored{stored->version});
  } else if (const auto* drop = std::get_if<DropVersion>(&effect)) {
    Feed(VersionDropped{drop->version, true});
  } else if (const auto* arm = std::get_if<ArmTimer>(&effect)) {
    armed_ = arm->at;
  }
}

std::vector<StragglerWorld::Played> StragglerWorld::Play(std::size_t rounds) {
  played_.clear();
  while (played_.size() < rounds) {
    MonotonicMs next = now_ + kTickMsMax;
    if (armed_ > now_) next = std::min(next, armed_);
    for (const auto& [member, work] : working_) next = std::min(next, work.done_at);
    now_ = next;
    std::vector<std::pair<RosterIndex, TaskOrder>> done;
    for (const auto& [member, work] : working_) {
      if (work.done_at <= now_) done.emplace_back(member, work.task);
    }
    for (const auto& [member, task] : done) {
      working_.erase(member);
      Feed(MessageOf(member, Offer{task.id, {}, kBytes, 1, task.base_version}));
    }
    Feed(Tick{});
  }
  played_.resize(rounds);
  return played_;
}

}  // namespace muster::coordinator
