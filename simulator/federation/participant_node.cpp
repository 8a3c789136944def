#include "simulator/federation/participant_node.h"

#include <utility>

#include "common/digest.h"

namespace muster::simulator {

using namespace muster::participant;  // NOLINT: every effect and event of the core.

namespace {

constexpr Micros kSaveMost = 5 * kMillisecond;
constexpr Micros kFitLeast = 10 * kMillisecond;
constexpr Micros kFitMost = 200 * kMillisecond;
constexpr Micros kBatchMost = 10 * kMillisecond;
/// Longer than any message travels: which of two processes said hello last is not in doubt.
constexpr Micros kDownLeast = 100 * kMillisecond;
constexpr Micros kDownMost = 1'500 * kMillisecond;

}  // namespace

ParticipantNode::ParticipantNode(World& world, Network& network, RosterIndex index,
                                 std::string name, Observer& observer)
    : world_(world),
      network_(network),
      index_(index),
      actor_(ActorOf(index)),
      name_(std::move(name)),
      observer_(observer) {}

void ParticipantNode::KeepAway(bool away) {
  if (away == std::exchange(away_, away)) return;
  if (!away) return Start();
  if (core_ != nullptr) End(false);
}

void ParticipantNode::Start() {
  if (away_ || core_ != nullptr) return;
  ++life_;
  stopping_ = false;
  if (disk_.state.retained) {
    const bool whole =
        disk_.update != nullptr && Xxh128Of(*disk_.update) == disk_.state.retained->digest;
    if (!whole) return world_.Violate(name_ + " has other bytes than those its state names");
  }
  ParticipantOptions options;
  options.name = name_;
  for (std::byte& byte : options.incarnation.bytes) {
    byte = static_cast<std::byte>(world_.Draw(actor_));
  }
  options.jitter_seed = world_.Draw(actor_);
  core_ = std::make_unique<ParticipantCore>(options, disk_.state);
  Feed(Started{});
  TickLater();
}

void ParticipantNode::TickLater() {
  world_.At(world_.now() + kTickMsMax * kMillisecond, actor_, [this, life = life_] {
    if (life != life_) return;
    Feed(Tick{});
    if (life == life_) TickLater();
  });
}

void ParticipantNode::Feed(Event event) {
  events_.push_back(std::move(event));
  if (std::exchange(feeding_, true)) return;
  const int deaths_max = world_.faults().deaths_max;
  while (core_ != nullptr && !events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    observer_.Tell([&](Watcher& watcher) { watcher.OnParticipantEvent(index_, next); });
    for (const Effect& effect : core_->Step(next, world_.now_ms())) {
      if (deaths_ < deaths_max && world_.Happens(FaultKind::crash, actor_)) {
        ++deaths_;
        ++world_.happened().participant_crashes;
        End(true);
        break;
      }
      observer_.Tell([&](Watcher& watcher) { watcher.OnParticipantEffect(index_, effect); });
      std::visit([this](const auto& what) { Perform(what); }, effect);
      if (core_ == nullptr) break;
    }
    if (core_ != nullptr) {
      observer_.Tell([&](Watcher& watcher) { watcher.OnParticipantStepped(index_, *core_); });
    }
    if (core_ != nullptr && deaths_ < deaths_max && !stopping_ &&
        world_.Happens(FaultKind::stop, actor_)) {
      stopping_ = true;
      ++deaths_;
      ++world_.happened().stops;
      events_.push_back(StopRequested{});
    }
  }
  events_.clear();
  feeding_ = false;
}

void ParticipantNode::End(bool again) {
  ++life_;
  CloseLink();
  core_.reset();
  fit_.reset();
  incoming_.reset();
  saver_ = Worker();
  if (again) {
    world_.At(world_.now() + world_.Between(actor_, kDownLeast, kDownMost), actor_,
              [this] { Start(); });
  }
}

void ParticipantNode::Later(Worker& worker, Micros least, Micros most,
                            std::function<void()> action) {
  world_.At(worker.Book(world_, actor_, least, most), actor_,
            [this, life = life_, action = std::move(action)] {
              if (life == life_) action();
            });
}

void ParticipantNode::OnPacket(const Packet& packet) {
  if (const auto* chunk = std::get_if<ModelChunk>(&packet.message)) {
    incoming_ = packet.payload;
    Feed(ChunkReceived{packet.fence, *chunk, ++handles_});
  } else {
    Feed(Received{packet.fence, packet.message});
  }
}

void ParticipantNode::CloseLink() {
  if (link_ != 0) network_.Close(std::exchange(link_, 0));
}

void ParticipantNode::Perform(const Connect&) {
  MUSTER_CHECK(link_ == 0, "one link at a time");
  ClientEnd end;
  const auto of_this_life = [this, life = life_](auto action) {
    return [this, life, action] {
      if (life == life_) action();
    };
  };
  end.on_up = of_this_life([this] { Feed(participant::LinkUp{}); });
  end.on_down = of_this_life([this] {
    CloseLink();
    Feed(participant::LinkDown{});
  });
  end.on_packet = [this, life = life_](const Packet& packet) {
    if (life == life_) OnPacket(packet);
  };
  link_ = network_.Open(index_, std::move(end));
}

void ParticipantNode::Perform(const Send& effect) {
  network_.SendToServer(link_, Channel::control, {effect.fence, effect.message, nullptr});
}

void ParticipantNode::Perform(const SendBulk& effect) {
  network_.SendToServer(link_, Channel::bulk, {effect.fence, effect.message, nullptr});
}

void ParticipantNode::Perform(const SendUpdateChunk& effect) {
  MUSTER_CHECK(disk_.update != nullptr, "an update that is not there");
  const ByteSpan bytes = ByteSpan(*disk_.update).subspan(effect.offset, effect.bytes);
  Packet packet;
  packet.fence = effect.fence;
  packet.message = UpdateChunk{effect.id, effect.offset, effect.bytes, Xxh64Of(bytes)};
  packet.payload = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  network_.SendToServer(link_, Channel::bulk, std::move(packet));
}

void ParticipantNode::Perform(const SetJob& effect) {
  trainer_ = std::move(*CreateTrainer(effect.job, effect.part, {}));
}

void ParticipantNode::Perform(const OpenModel& effect) {
  const Status opened = model_.Open(trainer_->layout(), effect.version, effect.bytes);
  world_.Expect(opened.has_value(), name_ + " cannot open the model it is told of");
}

void ParticipantNode::Perform(const StoreChunk& effect) {
  const std::shared_ptr<const Bytes> bytes = std::exchange(incoming_, nullptr);
  if (!model_.Store(effect.chunk, *bytes)) return Feed(ChunkRejected{effect.chunk.version});
  Feed(ChunkStored{effect.chunk.version, effect.chunk.offset + effect.chunk.bytes});
  if (const auto digest = model_.Finished()) Feed(ModelChecked{effect.chunk.version, *digest});
}

void ParticipantNode::Perform(const StartFit& effect) {
  MUSTER_CHECK(!fit_.has_value(), "one fit at a time");
  world_.Expect(!observer_.acknowledged.contains(effect.id),
                name_ + " trains " + effect.id.Text() + ", which was acknowledged");
  ++world_.happened().fits;
  fit_ = Fit{effect.id, effect.base_version, effect.ask, model_.model()};
  Worker alone;
  Later(alone, kFitLeast, kFitMost, [this, id = effect.id] {
    if (fit_ && fit_->id == id && !fit_->stopping) FinishFit();
  });
}

void ParticipantNode::FinishFit() {
  const Fit fit = *std::exchange(fit_, std::nullopt);
  ParameterSet update(trainer_->layout());
  const auto result = trainer_->Fit({fit.id.round, fit.id.slot, fit.id.task}, fit.ask, *fit.base,
                                    update, std::stop_token(), [](const FitPosition&) {});
  MUSTER_CHECK(result.has_value(), "the synthetic trainer cannot fail");
  const ByteSpan bytes = std::as_const(update).bytes();
  disk_.update = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  observer_.Tell([&](Watcher& watcher) { watcher.OnTrained(index_, fit.id, bytes); });
  Feed(FitDone{{fit.id, Xxh128Of(bytes), bytes.size(), result->examples, fit.base_version}});
}

void ParticipantNode::Perform(const StopFit&) {
  if (!fit_ || fit_->stopping) return;
  fit_->stopping = true;
  Worker alone;
  Later(alone, 1, kBatchMost, [this] {
    const UpdateId id = fit_->id;
    fit_.reset();
    Feed(FitStopped{id});
  });
}

void ParticipantNode::Perform(const SaveState& effect) {
  Later(saver_, 1, kSaveMost, [this, effect] {
    disk_.state = effect.state;
    Feed(StateSaved{effect.token});
  });
}

void ParticipantNode::Perform(const ArmTimer& effect) {
  world_.At(effect.at * kMillisecond, actor_, [this, life = life_] {
    if (life == life_) Feed(Tick{});
  });
}

void ParticipantNode::Perform(const Stop& effect) {
  const bool over = effect.reason == Reason::finished || effect.reason == Reason::no_part;
  world_.Expect(over || effect.reason == Reason::left,
                name_ + " stops: " + std::string(ReasonName(effect.reason)) + ": " + effect.text);
  End(!over);
}

std::string ParticipantNode::Waiting() const {
  if (core_ == nullptr) return name_ + " is down";
  return name_ + " (" + std::string(ActivityName(core_->activity())) +
         "): " + core_->Waiting(world_.now_ms());
}

}  // namespace muster::simulator
