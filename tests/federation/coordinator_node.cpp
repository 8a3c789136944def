#include "tests/federation/coordinator_node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "common/digest.h"

namespace muster::federation {

using namespace muster::coordinator;  // NOLINT: every effect and event of the core.

namespace {

constexpr Micros kDiskMost = 4 * kMillisecond;
constexpr Micros kFoldMost = 3 * kMillisecond;
constexpr Micros kEvaluationMost = 40 * kMillisecond;
constexpr Micros kDownMost = 800 * kMillisecond;

}  // namespace

CoordinatorNode::CoordinatorNode(World& world, Network& network, const JobSpec& job,
                                 const CoordinatorOptions& options, std::vector<RosterEntry> roster)
    : world_(world),
      network_(network),
      job_(job),
      options_(options),
      roster_(std::move(roster)),
      trainer_(std::move(*CreateTrainer(job, 0, {}))),
      strategy_(CreateStrategy(job)) {
  auto contents = InitialVersion(*strategy_, trainer_->InitialParameters());
  auto manifest = DescribeVersion(
      *contents, static_cast<std::uint32_t>(trainer_->layout().entries().size()), 0);
  disk_.versions.emplace(0, std::move(*contents));
  Batch batch;
  batch.mutations = {PutJob{{EncodeJob(job_), JobDigest(job_), true}}, PutLineage{{{1, 7}, 0, 0}},
                     PutVersion{*manifest}, PutRoundRecord{{.lineage = 1}}};
  for (const RosterEntry& entry : roster_) batch.mutations.push_back(PutRosterEntry{entry});
  Apply(batch);
}

void CoordinatorNode::Start() {
  ++life_;
  stopping_ = false;
  phase_ = "starting";
  store_ = fold_ = evaluator_ = Worker();
  extents_.clear();
  EpochRecord epoch = disk_.state.state().epoch;
  epoch = {{epoch.epoch.number + 1, world_.random().Next()}, epoch.starts + 1};
  Apply({{PutEpoch{epoch}}});
  const VersionManifest& head = *disk_.state.state().head;
  const HeadFacts facts{Xxh128Of(Head().bytes().first(head.model_bytes)), disk_.reported};
  core_ = std::make_unique<CoordinatorCore>(job_, options_, disk_.state.state(), facts);
  network_.Listen([this](LinkId link, RosterIndex from, const Packet& packet) {
    const PublicKey& key = roster_.at(from).key;
    if (const auto* chunk = std::get_if<UpdateChunk>(&packet.message)) {
      payloads_[++last_payload_] = packet;
      Feed(ChunkReceived{link, key, packet.fence, *chunk, last_payload_});
    } else {
      Feed(Received{link, key, packet.fence, packet.message});
    }
  });
  Feed(Started{});
  TickLater();
}

void CoordinatorNode::TickLater() {
  world_.At(world_.now() + kTickMsMax * kMillisecond, [this, life = life_] {
    if (life != life_) return;
    Feed(Tick{});
    if (life == life_) TickLater();
  });
}

void CoordinatorNode::Feed(const Event& event) {
  events_.push_back(event);
  if (std::exchange(feeding_, true)) return;
  const Faults& faults = world_.faults();
  const auto mortal = [&] { return deaths_ < faults.deaths_max && !finished_; };
  while (core_ != nullptr && !events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    for (const Effect& effect : core_->Step(next, world_.now_ms())) {
      if (mortal() && world_.Chance(faults.crash)) {
        ++world_.happened().crashes_in[phase_];
        Die(world_.Chance(0.5));
        break;
      }
      std::visit([this](const auto& what) { Perform(what); }, effect);
      if (core_ == nullptr) break;
    }
    if (core_ != nullptr && mortal() && !stopping_ && world_.Chance(faults.stop)) {
      stopping_ = true;
      ++deaths_;
      ++world_.happened().stops;
      events_.push_back(DrainRequested{});
    }
  }
  events_.clear();
  feeding_ = false;
}

// The process dies; with the machine goes what was not synced.
void CoordinatorNode::Die(bool machine) {
  ++deaths_;
  ++world_.happened().coordinator_crashes;
  while (!queued_.empty() && world_.Chance(0.5)) {
    Apply(queued_.front());  // The store's thread was faster than the end.
    queued_.pop_front();
  }
  if (machine) {
    std::size_t kept = world_.random().Below(disk_.unsynced.size() + 1);
    world_.happened().batches_forgotten += disk_.unsynced.size() - kept;
    disk_.state = disk_.synced;
    for (std::size_t i = 0; i < kept; ++i) disk_.state.Apply(disk_.unsynced[i]);
    disk_.unsynced.resize(kept);
    disk_.spool = disk_.spool_synced;
  }
  StartLater();
}

void CoordinatorNode::StartLater() {
  ++life_;
  queued_.clear();
  payloads_.clear();
  uploads_.clear();
  sum_.reset();
  core_.reset();
  network_.Listen(nullptr);
  std::erase_if(disk_.versions, [this](const auto& version) {
    return version.first > disk_.state.state().head->version;
  });
  if (!finished_) {
    world_.At(world_.now() + world_.Between(kMillisecond, kDownMost), [this] { Start(); });
  }
}

void CoordinatorNode::Later(Worker& worker, Micros most, std::function<void()> action) {
  world_.At(worker.Book(world_, 1, most), [this, life = life_, action = std::move(action)] {
    if (life == life_) action();
  });
}

void CoordinatorNode::Apply(const Batch& batch) {
  disk_.state.Apply(batch);
  disk_.unsynced.push_back(batch);
  for (const Mutation& mutation : batch.mutations) {
    if (const auto* put = std::get_if<PutRoundRecord>(&mutation); put && put->record.version > 0) {
      disk_.records.push_back(put->record);
    }
    if (const auto* put = std::get_if<PutAccepted>(&mutation)) {
      disk_.accepted.insert(put->update.id);
    }
  }
  if (!batch.sync) return;
  for (const Batch& earlier : std::exchange(disk_.unsynced, {})) disk_.synced.Apply(earlier);
}

const ParameterSet& CoordinatorNode::Head() const {
  return disk_.versions.at(disk_.state.state().head->version);
}

void CoordinatorNode::Perform(const Send& effect) {
  const Fence fence{1, disk_.state.state().epoch.epoch};
  if (const auto* grant = std::get_if<Grant>(&effect.message); grant && grant->offset > 0) {
    ++world_.happened().transfers_resumed;
  }
  if (!network_.SendToClient(effect.link, {fence, effect.message, nullptr})) {
    events_.push_back(LinkGone{effect.link});
  }
}

void CoordinatorNode::Perform(const SendModelChunk& effect) {
  const ByteSpan bytes =
      disk_.versions.at(effect.version).bytes().subspan(effect.offset, effect.bytes);
  Packet packet;
  packet.fence = {1, disk_.state.state().epoch.epoch};
  packet.message = ModelChunk{effect.version, effect.offset, effect.bytes, Xxh64Of(bytes)};
  packet.payload = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  if (!network_.SendToClient(effect.link, std::move(packet))) {
    events_.push_back(LinkGone{effect.link});
  }
}

void CoordinatorNode::Perform(const Persist& effect) {
  queued_.push_back(effect.batch);
  Later(store_, kDiskMost, [this, token = effect.token] {
    Apply(queued_.front());
    queued_.pop_front();
    Feed(Persisted{token});
  });
}

void CoordinatorNode::Perform(const PrepareSpool& effect) {
  Later(store_, kDiskMost, [this, effect] {
    disk_.spool.resize(effect.extent_count);
    for (Bytes& extent : disk_.spool) extent.resize(effect.extent_bytes);
    disk_.spool_synced.resize(effect.extent_count);
    for (Bytes& extent : disk_.spool_synced) extent.resize(effect.extent_bytes);
    Feed(SpoolPrepared{effect.token});
  });
}

void CoordinatorNode::Perform(const SyncSpool& effect) {
  // What is written while the sync runs may be forgotten.
  Later(store_, kDiskMost, [this, effect, synced = disk_.spool] {
    disk_.spool_synced = synced;
    Feed(SpoolSynced{effect.token});
  });
}

void CoordinatorNode::Perform(const OpenUpload& effect) {
  const LaneSpec lane = strategy_->Lanes(trainer_->layout()).front();
  uploads_.insert_or_assign(effect.upload,
                            Upload{.extent = effect.extent.index,
                                   .bytes = effect.bytes,
                                   .checker = std::move(*UpdateChecker::Create(lane.layout))});
}

void CoordinatorNode::Perform(const StoreChunk& effect) {
  Worker& worker = extents_[uploads_.at(effect.upload).extent];
  Later(worker, kDiskMost, [this, effect] { FinishStore(effect); });
}

void CoordinatorNode::FinishStore(const StoreChunk& effect) {
  const Packet packet = std::move(payloads_.extract(effect.payload).mapped());
  const auto found = uploads_.find(effect.upload);
  if (found == uploads_.end() || found->second.rejected) return;
  Upload& upload = found->second;
  const Bytes& bytes = *packet.payload;
  ASSERT_EQ(upload.stored, effect.offset) << "chunks of an upload are stored in order";
  if (Xxh64Of(bytes) != effect.checksum || !upload.checker.Add(bytes).has_value()) {
    upload.rejected = true;
    return Feed(ChunkRejected{effect.upload, Reason::checksum_mismatch});
  }
  std::ranges::copy(
      bytes, disk_.spool.at(upload.extent).begin() + static_cast<std::ptrdiff_t>(effect.offset));
  upload.stored += bytes.size();
  const bool whole = upload.stored == upload.bytes;
  UpdateSummary summary = upload.checker.Summary();
  const std::uint64_t life = life_;
  Feed(ChunkStored{effect.upload, effect.offset + effect.bytes});
  if (!whole || life != life_) return;
  Feed(UploadChecked{effect.upload, summary.digest, summary.gaps_zero, summary.tensor_max_abs});
}

void CoordinatorNode::Perform(const OpenSum& effect) {
  Later(fold_, kFoldMost, [this, effect] {
    if (!sum_) {
      sum_ = std::move(*RingSum::Create(strategy_->Lanes(trainer_->layout()).front().layout));
    }
    const Status reset = sum_->Reset(effect.scales, {job_.aggregation.weight_max, job_.round.goal});
    ASSERT_TRUE(reset.has_value()) << reset.error().Text();
  });
}

void CoordinatorNode::Perform(const Fold& effect) {
  Later(fold_, kFoldMost, [this, effect] {
    const UpdateSource source{[this, extent = effect.extent.index](
                                  std::uint64_t offset, MutableByteSpan bytes) -> Status {
                                const ByteSpan all = disk_.spool.at(extent);
                                std::ranges::copy(all.subspan(offset, bytes.size()), bytes.begin());
                                return {};
                              },
                              effect.weight};
    const Status folded = sum_->Fold({&source, 1}, pool_);
    ASSERT_TRUE(folded.has_value()) << folded.error().Text();
    Feed(Folded{effect.id});
  });
}

void CoordinatorNode::Perform(const coordinator::BuildVersion& effect) {
  Later(fold_, kFoldMost, [this, effect] {
    ParameterSet next(Head().layout());
    std::size_t filled = 0;
    const ChunkSink sink = [&](ByteSpan chunk) -> Status {
      std::ranges::copy(chunk, next.bytes().begin() + static_cast<std::ptrdiff_t>(filled));
      filled += chunk.size();
      return {};
    };
    auto manifest =
        ::muster::BuildVersion({*strategy_, Head(), *sum_, effect.version}, pool_, sink);
    ASSERT_TRUE(manifest.has_value()) << manifest.error().Text();
    const Xxh128Digest digest = Xxh128Of(std::as_const(next).bytes().first(manifest->model_bytes));
    disk_.versions.insert_or_assign(effect.version, std::move(next));
    Feed(VersionBuilt{*manifest, digest});
  });
}

void CoordinatorNode::Perform(const Evaluate& effect) {
  Later(evaluator_, kEvaluationMost, [this, effect] {
    ParameterSet model(trainer_->layout());
    std::ranges::copy(disk_.versions.at(effect.version).bytes().first(model.bytes().size()),
                      model.bytes().begin());
    const auto judged = trainer_->Evaluate(model, {});
    ASSERT_TRUE(judged.has_value()) << judged.error().Text();
    Feed(Evaluated{{effect.version, judged->examples, judged->loss, judged->accuracy}});
  });
}

void CoordinatorNode::Perform(const Notice& effect) {
  if (effect.kind == NoticeKind::phase_entered) phase_ = effect.text;
  if (effect.kind != NoticeKind::version_evaluated) return;
  EXPECT_EQ(effect.version, disk_.reported + 1) << "each version is reported once, in order";
  disk_.reported = effect.version;
}

void CoordinatorNode::Perform(const ArmTimer& effect) {
  world_.At(effect.at * kMillisecond, [this, life = life_] {
    if (life == life_) Feed(Tick{});
  });
}

void CoordinatorNode::Perform(const Stop& effect) {
  EXPECT_TRUE(effect.reason == Reason::finished || effect.reason == Reason::draining)
      << ReasonName(effect.reason) << ": " << effect.text;
  finished_ = effect.reason != Reason::draining;
  StartLater();
}

std::string CoordinatorNode::Waiting() const {
  if (core_ == nullptr) return "the coordinator is down";
  const WaitState wait = core_->Waiting(world_.now_ms());
  std::string text = "round " + std::to_string(core_->Status(world_.now_ms()).round) + " in " +
                     std::string(PhaseName(wait.phase)) + " for " +
                     std::string(WaitKindName(wait.kind)) + " of";
  for (RosterIndex index : wait.whom) text += " " + roster_.at(index).name;
  return text + " since " + std::to_string(wait.since_ms) + " ms: " + wait.next;
}

}  // namespace muster::federation
