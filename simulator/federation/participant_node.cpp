#include "simulator/federation/participant_node.h"

#include <utility>

#include "common/digest.h"

namespace muster::simulator {

using namespace muster::participant;  // NOLINT: every effect and event of the core.

namespace {

/// Longer than any message travels: which of two processes said hello last is not in doubt.
constexpr Micros kDownLeast = 100 * kMillisecond;
constexpr Micros kDownMost = 1'500 * kMillisecond;
/// The next process says hello while the coordinator makes the update durable.
constexpr Micros kSnatchDownMost = 20 * kMillisecond;

}  // namespace

ParticipantNode::ParticipantNode(World& world, Place home, const RosterEntry& entry)
    : world_(world),
      home_(home),
      here_(home),
      next_(home),
      entry_(entry),
      actor_(ActorOf(entry.index)),
      process_(world, actor_),
      disk_(world, actor_) {}

// --- Lives ---------------------------------------------------------------------------------------

void ParticipantNode::Start() {
  if (away_ || ended_ || core_ != nullptr || world_.faults().hostile.contains(index())) return;
  Result<MemberDisk::Opened> opened = disk_.Open();
  if (!opened) return RefuseState(opened.error());
  state_ = opened->state;
  update_ = std::move(opened->update);
  stopping_ = false;
  key_ = entry_.key;
  here_ = next_;
  ParticipantOptions options;
  options.name = name();
  for (std::byte& byte : options.incarnation.bytes) {
    byte = static_cast<std::byte>(world_.Draw(actor_));
  }
  options.jitter_seed = world_.Draw(actor_);
  core_ = std::make_unique<ParticipantCore>(options, state_);
  if (world_.telling()) {
    const std::string holds =
        state_.retained ? ", holding " + state_.retained->id.Text() : ", holding no update";
    world_.Tell(actor_, name() + " starts" + holds);
  }
  if (opened->forgets) {
    ++world_.happened().updates_forgotten;
    if (world_.telling()) {
      world_.Tell(actor_, name() + "'s update cannot be read and is forgotten");
    }
  }
  if (opened->forgets_client) {
    ++world_.happened().client_states_forgotten;
    if (world_.telling()) {
      world_.Tell(actor_, name() + "'s client state cannot be read and is forgotten");
    }
  }
  process_.Begin([this] { Feed(Tick{}); });
  here_.observer->Tell<&Watcher::OnParticipantStart>(index(), state_);
  Feed(Started{});
}

// Its operator does as the error says.
void ParticipantNode::RefuseState(const Error& error) {
  ++world_.happened().states_refused;
  world_.Expect(error.reason == Reason::damage || error.reason == Reason::unsupported,
                name() + " does not start: " + error.Text());
  if (world_.telling()) {
    world_.Tell(actor_, name() + " does not start, its state cannot be used: " + error.Text());
  }
  StartAfresh();
}

void ParticipantNode::End() {
  CloseLink();
  process_.End();
  core_.reset();
  fit_.reset();
  incoming_.reset();
  model_ = ModelBuffer();
  saving_.clear();
  update_.reset();
  in_memory_ = false;
  failing_.reset();
  saver_ = Worker();
}

Micros ParticipantNode::DrawDown() { return world_.Between(actor_, kDownLeast, kDownMost); }

void ParticipantNode::StartLater(Micros down_for) {
  world_.At(world_.now() + down_for, actor_, [this] { Start(); });
}

void ParticipantNode::KeepAway(bool away) {
  if (away == std::exchange(away_, away)) return;
  if (!away) return Start();
  if (core_ != nullptr) End();
}

void ParticipantNode::Leave(bool stays_away) {
  if (stays_away) away_ = true;
  if (core_ == nullptr || std::exchange(stopping_, true)) return;
  ++world_.happened().stops;
  if (world_.telling()) world_.Tell(actor_, name() + " is asked to stop");
  // A process that stands still hears of it when it goes on.
  process_.Guard([this] { Feed(StopRequested{}); })();
}

void ParticipantNode::Kill(std::uint64_t draw) {
  if (core_ == nullptr) return;
  ++world_.happened().participant_crashes;
  if (world_.telling()) world_.Tell(actor_, name() + " is killed");
  // Files are replaced by a rename: whole, old or new, with or without the machine's help.
  if (!saving_.empty() && draw % 2 == 1) disk_.PutState(saving_.front());
  const bool writing = fit_ && fit_->writing != nullptr && fit_->keep_on_disk;
  const bool written = writing && draw / 2 % 2 == 1;
  if (written) disk_.PutUpdate(fit_->writing);
  // It is replaced before the update is.
  const bool writing_client = fit_ && fit_->writing_client != nullptr;
  if (writing_client && (written || draw / 4 % 2 == 1)) disk_.PutClientNext(fit_->writing_client);
  End();
  StartLater(DrawDown());
}

void ParticipantNode::LoseMachine(Micros down_for) {
  ++world_.happened().machines_lost;
  if (world_.telling()) world_.Tell(actor_, name() + "'s machine is gone, with all it held");
  if (core_ != nullptr) End();
  disk_.Clear();
  StartLater(down_for);
}

// The two hellos do not change places: the upload was granted, so the older one has arrived.
void ParticipantNode::Snatch(std::uint64_t value) {
  LoseMachine(static_cast<Micros>(value % kSnatchDownMost));
}

void ParticipantNode::StartAfresh() {
  ++world_.happened().fresh_directories;
  if (world_.telling()) world_.Tell(actor_, name() + " is given a fresh directory");
  if (core_ != nullptr) End();
  disk_.Clear();
  split_brains_ = 0;
  if (ended_ == Reason::finished) ended_.reset();  // Another coordinator's job was.
  StartLater(DrawDown());
}

void ParticipantNode::LoseLink() {
  process_.Guard([this] {
    if (link_ == 0) return;
    CloseLink();
    Feed(participant::LinkDown{Reason::connection_lost});
  })();
}

void ParticipantNode::Readmit() {
  ended_.reset();
  if (core_ != nullptr) End();
  StartLater(DrawDown());
}

void ParticipantNode::Preempt(Micros notice, bool machine, std::uint64_t draw) {
  if (core_ == nullptr) return;
  ++world_.happened().preemptions;
  const auto take = [this, machine, draw] {
    if (machine) {
      LoseMachine(DrawDown());
    } else {
      Kill(draw);
    }
  };
  if (notice == 0) return take();
  Leave(/*stays_away=*/false);
  world_.At(world_.now() + notice, actor_, [this, take, life = process_.life()] {
    if (life == process_.life()) take();
  });
}

void ParticipantNode::Heal() {
  process_.Heal();
  disk_.Heal();
  Lead(home_);
  away_ = false;
  Start();
}

// --- One process ---------------------------------------------------------------------------------

void ParticipantNode::Feed(Event event) {
  events_.push_back(std::move(event));
  if (std::exchange(feeding_, true)) return;
  for (std::size_t taken = 0; core_ != nullptr && taken < events_.size(); ++taken) {
    const Event next = std::move(events_[taken]);  // What follows from it may move the others.
    here_.observer->Tell<&Watcher::OnParticipantEvent>(index(), next);
    for (Effect& effect : core_->Step(next, process_.now_ms())) {
      if (DiesNow()) break;
      here_.observer->Tell<&Watcher::OnParticipantEffect>(index(), effect);
      std::visit([this](auto& what) { Perform(what); }, effect);
      if (core_ == nullptr) break;
    }
    if (core_ == nullptr) break;
    here_.observer->Tell<&Watcher::OnParticipantStepped>(index(), *core_, process_.now_ms());
    if (MayDie() && !stopping_ && world_.Happens(FaultKind::stop, actor_)) {
      ++deaths_;
      Leave(/*stays_away=*/false);
    }
  }
  events_.clear();
  feeding_ = false;
}

bool ParticipantNode::DiesNow() {
  if (!MayDie()) return false;
  const auto drawn = world_.Ask(FaultKind::crash, actor_);
  if (!drawn) return false;
  ++deaths_;
  Kill(*drawn);
  return true;
}

void ParticipantNode::OnPacket(const Packet& packet) {
  if (packet.unreadable) return Feed(Unreadable{*packet.unreadable});
  if (const auto* chunk = std::get_if<ModelChunk>(&packet.message)) {
    incoming_ = packet.payload;
    Feed(ChunkReceived{packet.fence, *chunk, ++handles_});
  } else {
    Feed(Received{packet.fence, packet.message});
  }
}

void ParticipantNode::CloseLink() {
  backlog_.clear();
  if (link_ != 0) here_.network->Close(std::exchange(link_, 0));
}

std::string ParticipantNode::Waiting() const {
  if (ended_) return name() + " has ended: " + std::string(ReasonName(*ended_));
  if (core_ == nullptr) return name() + " is down";
  return name() + " (" + std::string(ActivityName(core_->activity())) +
         "): " + core_->Waiting(process_.now_ms()) +
         (process_.paused() ? " (it stands still)" : "");
}

}  // namespace muster::simulator
