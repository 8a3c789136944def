#include "simulator/federation/coordinator_node.h"

#include <algorithm>
#include <array>
#include <utility>

#include "checkpoint/memory_spool.h"
#include "common/digest.h"
#include "coordinator/runtime/bootstrap.h"

namespace muster::simulator {

using namespace muster::coordinator;  // NOLINT: every effect and event of the core.

namespace {

constexpr Micros kDownMost = 800 * kMillisecond;

constexpr std::array<Unsynced, 3> kUnsynced = {Unsynced::mixed, Unsynced::lost, Unsynced::kept};

bool IsHeard(const Effect& effect) {
  return std::holds_alternative<Send>(effect) || std::holds_alternative<SendModelChunk>(effect) ||
         std::holds_alternative<Notice>(effect);
}

}  // namespace

CoordinatorNode::CoordinatorNode(World& world, Network& network, Observer& observer,
                                 std::shared_ptr<StateVolume> volume, CoordinatorSetup setup,
                                 Actor actor)
    : world_(world),
      network_(network),
      observer_(observer),
      volume_(std::move(volume)),
      setup_(std::move(setup)),
      actor_(actor),
      trainer_(std::move(*CreateTrainer(setup_.job, 0, {}))),
      strategy_(CreateStrategy(setup_.job)),
      process_(world, actor) {}
CoordinatorNode::~CoordinatorNode() = default;

// --- Lives
// -----------------------------------------------------------------------------------------

Status CoordinatorNode::EnrollAll() {
  if (!store_->recovered().roster.empty()) return {};
  Batch batch;
  for (const RosterEntry& entry : setup_.roster) batch.mutations.push_back(PutRosterEntry{entry});
  MUSTER_TRY(store_->Write(batch));
  // The program that enrolls ends before the coordinator starts.
  store_.reset();
  auto store = volume_->OpenStore(OpenMode::create_or_open);
  MUSTER_TRY(store);
  store_ = std::move(*store);
  return {};
}

Status CoordinatorNode::OpenState() {
  auto store = volume_->OpenStore(OpenMode::create_or_open);
  MUSTER_TRY(store);
  store_ = std::move(*store);
  MUSTER_TRY(EnrollAll());
  auto spool = AcceptOf(setup_.job.round) == Accept::memory
                   ? Result<std::unique_ptr<Spool>>(CreateMemorySpool())
                   : volume_->OpenSpool();
  MUSTER_TRY(spool);
  spool_ = std::move(*spool);
  auto start = Bootstrap(*store_, *spool_, setup_.job, {7, world_.Draw(actor_)}, {*trainer_, ""},
                         *strategy_);
  MUSTER_TRY(start);
  // docs/storage-format.md, "The witness": a power cut may take its last words, and what damage in
  // the log cuts off is then not missed.
  const bool older = start->state.epoch.epoch.number <= epoch_.number ||
                     start->state.head->version < observer_.announced;
  const bool log_flipped = world_.flips().Any(FlippedIn::log);
  if (log_flipped && world_.happened().power_cuts > 0 && older) {
    return Error{Reason::damage, "the end of the log, and the witness of it"};
  }
  observer_.Tell<&Watcher::OnStart>(start->state, *store_);
  epoch_ = start->state.epoch.epoch;
  head_version_ = start->state.head->version;
  head_ = std::make_shared<const ParameterSet>(std::move(start->head));
  const HeadFacts facts{start->model_digest, reported_, store_->HeldVersions(), start->oldest_base,
                        start->unfinished};
  const Attempt attempt = start->state.open_round ? start->state.open_round->attempt : 1;
  core_ =
      std::make_unique<CoordinatorCore>(setup_.job, setup_.options, std::move(start->state), facts);
  if (world_.telling()) {
    world_.Tell(actor_, "starts: head is version " + std::to_string(head_version_) + ", epoch " +
                            std::to_string(epoch_.number));
  }
  Progress(head_version_, attempt);
  return {};
}

void CoordinatorNode::Start() {
  if (finished_) return;
  ++life_;
  stopping_ = false;
  disk_short_ = false;
  {
    const std::lock_guard guard(plan_mutex_);
    silence_.reset();
    phase_ = Phase::starting;
  }
  store_worker_ = version_worker_ = fold_worker_ = evaluator_ = Worker();
  extents_.clear();
  if (!volume_->powered()) volume_->Restart();
  const Status opened = OpenState();
  if (!volume_->powered()) return StartLater();
  if (!opened) return FailToStart(opened.error());
  process_.Begin([this, life = life_] {
    MeasureDisk();
    if (life == life_) Feed(Tick{});
  });
  Listen();
  Feed(Started{});
}

// With these the process ends, and its supervisor starts it again; damage waits for an operator.
void CoordinatorNode::FailToStart(const Error& error) {
  if (error.reason == Reason::disk_full || error.reason == Reason::io_failed) {
    ExpectExcused(error);
    if (world_.telling()) world_.Tell(actor_, "cannot start: " + error.Text());
    return StartLater();
  }
  if (error.reason == Reason::damage && world_.flips().any()) return StopForDamage(error.Text());
  world_.Violate("the state does not open: " + error.Text());
}

void CoordinatorNode::StopForDamage(const std::string& text) {
  if (world_.telling()) world_.Tell(actor_, "stops for damage: " + text);
  world_.Expect(spool_rotted_ || world_.flips().Explain(text),
                "damage that no flipped bit accounts for: " + text);
  finished_ = damaged_ = true;
  EndProcess();
}

void CoordinatorNode::Request(Event event) {
  if (core_ != nullptr) process_.Guard([this, event = std::move(event)] { Feed(event); })();
}

void CoordinatorNode::ThrowAway() {
  finished_ = true;
  EndProcess();
}

void CoordinatorNode::Listen() {
  const auto on_packet = [this](LinkId link, const Packet& packet) {
    if (packet.unreadable) {
      Feed(Unreadable{link, packet.identity, *packet.unreadable});
    } else if (const auto* chunk = std::get_if<UpdateChunk>(&packet.message)) {
      payloads_[++last_payload_] = packet;
      Feed(ChunkReceived{link, packet.identity, packet.fence, *chunk, last_payload_});
    } else {
      Feed(Received{link, packet.identity, packet.fence, packet.message, packet.connection});
    }
  };
  const auto refused = process_.Guard([this](const PublicKey& key, Reason reason) {
    Feed(HandshakeRefused{key, reason});
  });
  network_.Listen(process_.Guard(on_packet),
                  [this, refused](const PublicKey& key) -> std::optional<Reason> {
                    const Status let_in = gate_.Check(key);
                    if (let_in) return std::nullopt;
                    refused(key, let_in.error().reason);
                    return let_in.error().reason;
                  });
}

void CoordinatorNode::MeasureDisk() {
  const std::uint64_t free_bytes = volume_->free_bytes();
  const bool disk_short = free_bytes < RoomForGrants(head_->bytes().size());
  if (disk_short != std::exchange(disk_short_, disk_short)) Feed(DiskMeasured{free_bytes});
}

bool CoordinatorNode::DiesAt(const Effect& effect) {
  if (const auto silence = Silence(); silence && IsHeard(effect)) {
    Die(/*machine=*/true, *silence);
    return true;
  }
  if (deaths_ >= world_.faults().deaths_max || finished_) return false;
  const auto drawn = world_.Ask(FaultKind::crash, actor_);
  if (!drawn) return false;
  ++world_.happened().crashes_in[std::string(PhaseName(phase()))];
  Die(/*machine=*/*drawn % 2 == 0, kUnsynced.at(*drawn / 2 % kUnsynced.size()));
  return true;
}

void CoordinatorNode::Feed(Event event) {
  events_.push_back(std::move(event));
  if (std::exchange(feeding_, true)) return;
  for (std::size_t taken = 0; core_ != nullptr && taken < events_.size(); ++taken) {
    const Event next = std::move(events_[taken]);  // What follows from it may move the others.
    observer_.Tell<&Watcher::OnEvent>(next);
    event_ = &next;
    for (Effect& effect : core_->Step(next, process_.now_ms())) {
      if (DiesAt(effect)) break;
      observer_.Tell<&Watcher::OnEffect>(effect);
      std::visit([this](auto& what) { Perform(what); }, effect);
      if (core_ == nullptr) break;
    }
    if (core_ == nullptr) break;
    observer_.Tell<&Watcher::OnStepped>(*core_, process_.now_ms());
    if (deaths_ < world_.faults().deaths_max && !finished_ && !stopping_ &&
        world_.Happens(FaultKind::stop, actor_)) {
      ++deaths_;
      Drain();
    }
  }
  events_.clear();
  feeding_ = false;
}

void CoordinatorNode::Drain() {
  if (core_ == nullptr || std::exchange(stopping_, true)) return;
  ++world_.happened().stops;
  if (feeding_) {
    events_.push_back(DrainRequested{});
  } else {
    Feed(DrainRequested{});
  }
}

void CoordinatorNode::Die(bool machine, Unsynced unsynced) {
  ++deaths_;
  ++world_.happened().coordinator_crashes;
  if (world_.telling()) {
    world_.Tell(actor_, std::string(machine ? "its power goes" : "it is killed") + ", in " +
                            std::string(PhaseName(phase())));
  }
  if (machine) {
    volume_->CutPower(unsynced);
    ++world_.happened().power_cuts;
  }
  StartLater();
}

void CoordinatorNode::DieBeforeTheNextWord(Unsynced unsynced) {
  const std::lock_guard guard(plan_mutex_);
  silence_ = unsynced;
}

std::optional<Unsynced> CoordinatorNode::Silence() const {
  const std::lock_guard guard(plan_mutex_);
  return silence_;
}

void CoordinatorNode::RunUpkeep() {
  if (store_ != nullptr) Survives(volume_->RunUpkeep(*store_), Tick{});
}

void CoordinatorNode::EndProcess() {
  ++life_;
  if (core_ != nullptr) observer_.Tell<&Watcher::OnEnd>();
  {
    const std::lock_guard guard(plan_mutex_);
    phase_ = Phase::starting;
  }
  payloads_.clear();
  uploads_.clear();
  fold_work_.clear();
  spool_prepared_ = spool_rotted_ = false;
  sum_.reset();
  core_.reset();
  built_.reset();
  process_.End();
  network_.Listen(nullptr, nullptr);
  store_.reset();
  spool_.reset();
}

void CoordinatorNode::StartLater() {
  EndProcess();
  if (finished_) return;
  world_.At(world_.now() + world_.Between(actor_, kMillisecond, kDownMost), actor_,
            [this] { Start(); });
}

void CoordinatorNode::ExpectExcused(const Error& error) {
  world_.Expect(volume_->Excuses(error.reason), "the disk fails without a fault: " + error.Text());
}

bool CoordinatorNode::Survives(const Status& done, const Event& if_full) {
  if (!volume_->powered()) {
    ++deaths_;
    ++world_.happened().coordinator_crashes;
    StartLater();
    return false;
  }
  if (done) return true;
  ExpectExcused(done.error());
  if (done.error().reason == Reason::disk_full) {
    Feed(if_full);
  } else {
    StartLater();
  }
  return false;
}

void CoordinatorNode::Progress(Version head, Attempt attempt) {
  if (observer_.on_progress) observer_.on_progress(head, attempt);
}

std::string CoordinatorNode::Waiting() const {
  if (core_ == nullptr) return "the coordinator is down";
  const WaitState wait = core_->Waiting(process_.now_ms());
  std::string text = "round " + std::to_string(core_->Status(process_.now_ms()).round) + " in " +
                     std::string(PhaseName(wait.phase)) + " for " +
                     std::string(WaitKindName(wait.kind)) + " of";
  for (RosterIndex index : wait.whom) text += " site-" + std::to_string(index);
  return text + " since " + std::to_string(wait.since_ms) + " ms: " + wait.next;
}

}  // namespace muster::simulator
