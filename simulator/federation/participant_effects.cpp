// How the node performs what its core wants done.
#include <utility>

#include "common/digest.h"
#include "participant/runtime/outbox.h"
#include "simulator/federation/durations.h"
#include "simulator/federation/participant_node.h"

namespace muster::simulator {

using namespace muster::participant;  // NOLINT: every effect and event of the core.

namespace {

constexpr Micros kSaveMost = 5 * kMillisecond;
constexpr Micros kFitLeast = 10 * kMillisecond;
constexpr Micros kFitMost = 200 * kMillisecond;
constexpr Micros kBatchMost = 10 * kMillisecond;
/// Longer than an offer waits for its answer.
constexpr Micros kBacklogMost = 10'000 * kMillisecond;

/// Whether a start by itself is of any use after this end.
bool IsForGood(Reason reason) {
  return reason == Reason::finished || reason == Reason::no_part || reason == Reason::revoked ||
         reason == Reason::unknown_key || reason == Reason::identity_mismatch;
}

}  // namespace

void ParticipantNode::Perform(const Connect&) {
  MUSTER_CHECK(link_ == 0, "one link at a time");
  const bool returns = here_.observer != next_.observer;
  here_ = next_;
  if (returns) {
    here_.observer->Tell<&Watcher::OnParticipantStart>(index(), state_);
  }
  ClientEnd end;
  end.on_up = process_.Guard([this] { Feed(participant::LinkUp{}); });
  end.on_down = process_.Guard([this](Reason reason) {
    CloseLink();
    Feed(participant::LinkDown{reason});
  });
  end.on_packet = process_.Guard([this](const Packet& packet) { OnPacket(packet); });
  link_ = here_.network->Open(actor_, key_, std::move(end));
}

void ParticipantNode::Perform(Send& effect) {
  if (const auto* offer = std::get_if<Offer>(&effect.message); offer && world_.telling()) {
    world_.Tell(actor_, "offers " + offer->id.Text());
  }
  here_.network->SendToServer(link_, Channel::control,
                              {effect.fence, std::move(effect.message), nullptr, key_});
}

void ParticipantNode::Perform(SendBulk& effect) {
  SendOnBulk({effect.fence, std::move(effect.message), nullptr, key_});
}

void ParticipantNode::Perform(const SendUpdateChunk& effect) {
  MUSTER_CHECK(update_ != nullptr, "an update that is not there");
  const ByteSpan bytes = ByteSpan(*update_).subspan(effect.offset, effect.bytes);
  Packet packet;
  packet.fence = effect.fence;
  packet.message = UpdateChunk{effect.id, effect.offset, effect.bytes, Xxh64Of(bytes)};
  packet.payload = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  packet.identity = key_;
  SendOnBulk(std::move(packet));
}

void ParticipantNode::SendOnBulk(Packet packet) {
  if (link_ == 0) return;
  if (backlog_.empty()) {
    const auto value = world_.Ask(FaultKind::backlog, actor_);
    if (!value) return PutOnBulk(std::move(packet));
    KeyedStream stream(*value, "backlog", {});
    const Micros lasts = DurationOf(stream, kMillisecond, kBacklogMost);
    ++world_.happened().backlogs;
    if (world_.telling()) {
      world_.Tell(actor_, "its bulk socket takes nothing for " + SecondsText(lasts));
    }
    world_.At(world_.now() + lasts, actor_, process_.Guard([this, link = link_] {
      if (link == link_) DrainBacklog();
    }));
  } else if (backlog_.size() == Outbox::kFramesMax) {
    CloseLink();
    return Feed(participant::LinkDown{Reason::no_credit});
  }
  backlog_.push_back(std::move(packet));
}

void ParticipantNode::DrainBacklog() {
  // With the last chunk the process may end.
  while (!backlog_.empty()) {
    Packet packet = std::move(backlog_.front());
    backlog_.pop_front();
    PutOnBulk(std::move(packet));
  }
  if (link_ != 0) Feed(BulkWritable{});
}

void ParticipantNode::PutOnBulk(Packet packet) {
  const auto* chunk = std::get_if<UpdateChunk>(&packet.message);
  const bool last =
      chunk != nullptr && update_ != nullptr && chunk->offset + chunk->bytes == update_->size();
  here_.network->SendToServer(link_, Channel::bulk, std::move(packet));
  if (!last) return;
  if (const auto value = world_.Ask(FaultKind::snatch, actor_)) Snatch(*value);
}

void ParticipantNode::Perform(const SetJob& effect) {
  if (world_.Happens(FaultKind::train_fail, actor_)) {
    ++world_.happened().trainings_failed;
    return Fail({Reason::file_unreadable, "its part of the data cannot be read"});
  }
  trainer_ = std::move(*CreateTrainer(effect.job, effect.part, {}));
  in_memory_ = AcceptOf(effect.job.round) == Accept::memory;
  strategy_ = CreateStrategy(effect.job);
}

void ParticipantNode::Perform(const OpenModel& effect) {
  const ParameterLayout layout = *DownloadLayout(*strategy_, trainer_->layout());
  const Status opened = model_.Open(layout, effect.version, effect.bytes);
  world_.Expect(opened.has_value(), name() + " cannot open the model it is told of");
}

void ParticipantNode::Perform(const StoreChunk& effect) {
  const std::shared_ptr<const Bytes> bytes = std::exchange(incoming_, nullptr);
  if (!model_.Store(effect.chunk, *bytes)) return Feed(ChunkRejected{effect.chunk.version});
  Feed(ChunkStored{effect.chunk.version, effect.chunk.offset + effect.chunk.bytes});
  if (const auto digest = model_.Finished()) Feed(ModelChecked{effect.chunk.version, *digest});
}

void ParticipantNode::Perform(const StartFit& effect) {
  MUSTER_CHECK(!fit_.has_value(), "one fit at a time");
  const std::uint64_t number = ++world_.happened().fits;
  fit_ = Fit{effect.id, effect.base_version, effect.ask, model_.model()};
  fit_->observer = here_.observer;
  fit_->keep_on_disk = effect.keep_on_disk;
  here_.observer->Tell<&Watcher::OnFit>(index(), effect.id, effect.base_version,
                                        fit_->base->bytes());
  if (effect.client) fit_->client = disk_.ReadClient(effect.client->held);
  if (fit_->client != nullptr) fit_->client_version = effect.client->version;
  if (effect.client && fit_->client == nullptr) ++world_.happened().client_states_forgotten;
  const bool goes_on = disk_.TakeUpPosition(effect.id, effect.base_version, fit_->client_version);
  if (goes_on) ++world_.happened().positions_taken_up;
  Worker alone;
  fit_->number = number;
  Later(alone, kFitLeast, goes_on ? kFitMost / 2 : kFitMost, [this, number] {
    if (fit_ && fit_->number == number && !fit_->stopping) FinishFit();
  });
}

// The update is in memory; FitDone once it is on disk, unless it is not to be kept there.
void ParticipantNode::FinishFit() {
  if (world_.Happens(FaultKind::train_fail, actor_)) {
    ++world_.happened().trainings_failed;
    const UpdateId id = std::exchange(fit_, std::nullopt)->id;
    return FailFit(id, {Reason::io_failed, "a batch of its data cannot be read"});
  }
  ParameterSet update(LanesOf(*strategy_, trainer_->layout())->layout());
  const ByteSpan client = fit_->client == nullptr ? ByteSpan() : ByteSpan(*fit_->client);
  auto result =
      trainer_->Fit({fit_->id.round, fit_->id.slot, fit_->id.task}, fit_->ask, *fit_->base, client,
                    update, std::stop_token(), [](const FitPosition&) {});
  MUSTER_CHECK(result.has_value(), "the synthetic trainer cannot fail");
  strategy_->CompleteUpdate({result->steps, *fit_->base, client}, update, result->client);
  const ByteSpan bytes = std::as_const(update).bytes();
  fit_->writing = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  if (!result->client.empty()) {
    fit_->writing_client = std::make_shared<const Bytes>(std::move(result->client));
  }
  const ByteSpan next =
      fit_->writing_client == nullptr ? ByteSpan() : ByteSpan(*fit_->writing_client);
  const Trained trained{fit_->id, result->steps, bytes, fit_->client_version, client, next};
  fit_->observer->Tell<&Watcher::OnTrained>(index(), trained);
  Worker alone;
  Later(alone, 1, kSaveMost, [this, examples = result->examples] {
    const Fit fit = *std::exchange(fit_, std::nullopt);
    if (const Status written = SaveTrained(fit); !written) {
      return FailFit(fit.id, written.error());
    }
    update_ = fit.writing;
    RetainedUpdate made{fit.id,   Xxh128Of(*fit.writing), fit.writing->size(),
                        examples, fit.base_version,       fit.client_version,
                        {}};
    if (fit.writing_client != nullptr) {
      made.client_next = ClientBytes{Xxh128Of(*fit.writing_client), fit.writing_client->size()};
    }
    if (!fit.keep_on_disk) state_.retained = made;
    Feed(FitDone{made});
  });
}

Status ParticipantNode::SaveTrained(const Fit& fit) {
  if (fit.writing_client != nullptr) MUSTER_TRY(disk_.SaveClientNext(fit.writing_client));
  return fit.keep_on_disk ? disk_.SaveUpdate(fit.writing) : Status();
}

void ParticipantNode::Perform(const StopFit& effect) {
  if (!fit_ || fit_->stopping || fit_->writing != nullptr) return;
  fit_->stopping = true;
  Worker alone;
  Later(alone, 1, kBatchMost, [this, save = effect.save_position] {
    const Fit fit = *std::exchange(fit_, std::nullopt);
    if (const Status saved =
            save ? disk_.SavePosition(fit.id, fit.base_version, fit.client_version) : Status();
        !saved) {
      return FailFit(fit.id, saved.error());
    }
    Feed(FitStopped{fit.id});
  });
}

void ParticipantNode::FailFit(const UpdateId& id, const Error& error) {
  if (world_.telling()) world_.Tell(actor_, "its training fails: " + error.Text());
  failing_ = error.reason;
  Feed(FitFailed{id, error});
  world_.Expect(core_ == nullptr, name() + " goes on, and its training has failed");
}

void ParticipantNode::Perform(const SaveState& effect) {
  const std::optional<RetainedUpdate> held = in_memory_ ? state_.retained : std::nullopt;
  state_ = effect.state;
  if (held) state_.retained = held;
  saving_.push_back(effect.state);
  Later(saver_, 1, kSaveMost, [this, effect] {
    saving_.pop_front();
    if (const Status saved = disk_.SaveState(effect.state); !saved) return Fail(saved.error());
    Feed(StateSaved{effect.token});
  });
}

void ParticipantNode::Perform(const ForgetUpdate&) {
  update_.reset();
  if (in_memory_) state_.retained.reset();
  if (const Status removed = disk_.ForgetUpdate(); !removed) Fail(removed.error());
}

void ParticipantNode::Perform(const PromoteClient&) {
  if (const Status promoted = disk_.PromoteClient(); !promoted) Fail(promoted.error());
}

void ParticipantNode::Perform(const ForgetPosition&) {
  if (const Status removed = disk_.ForgetPosition(); !removed) Fail(removed.error());
}

void ParticipantNode::Fail(const Error& error) {
  if (world_.telling()) world_.Tell(actor_, name() + " fails: " + error.Text());
  // What its threads have begun or been given is still done before the process ends.
  for (const DurableState& state : saving_) static_cast<void>(disk_.SaveState(state));
  if (fit_ && fit_->writing != nullptr) static_cast<void>(SaveTrained(*fit_));
  End();
  StartLater(DrawDown());
}

void ParticipantNode::Perform(const Notice& effect) {
  if (effect.kind == NoticeKind::coordinator_refused) {
    ++world_.happened().coordinators_refused;
  }
  if (effect.kind == NoticeKind::connected) split_brains_ = 0;
  if (!world_.telling() || effect.kind == NoticeKind::ignored) return;
  std::string text = effect.kind == NoticeKind::task_started ? "begins to train " : "";
  text += effect.text;
  if (effect.reason != Reason::finished) {
    text += " (" + std::string(ReasonName(effect.reason)) + ")";
  }
  world_.Tell(actor_, std::move(text));
}

// Ends that a flipped bit or a false coordinator can bring about: its supervisor starts it again.
bool ParticipantNode::IsMisled(Reason reason) const {
  const Happened& happened = world_.happened();
  const bool misread = reason == Reason::identity_mismatch || reason == Reason::wrong_job ||
                       reason == Reason::protocol_unsupported || reason == Reason::superseded;
  const bool lied_to = reason == Reason::wrong_job || reason == Reason::unknown_lineage;
  return (happened.corruptions > 0 && misread) || (happened.impostors > 0 && lied_to);
}

void ParticipantNode::Perform(const Stop& effect) {
  const bool failed = failing_ == effect.reason;
  End();
  if (failed) return StartLater(DrawDown());
  if (IsMisled(effect.reason)) return StartLater(DrawDown());
  if (effect.reason == Reason::split_brain) {
    ++world_.happened().split_brains;
    const Happened& happened = world_.happened();
    world_.Expect(home_.observer->copied || happened.impostors > 0 || happened.corruptions > 0,
                  name() + " stops: split_brain without a copy");
    // Its supervisor starts it again; where that does not help, its operator follows the docs.
    return ++split_brains_ < kSplitBrainsInARow ? StartLater(DrawDown()) : StartAfresh();
  }
  if (effect.reason == Reason::left) return StartLater(DrawDown());
  const bool closed_out = effect.reason == Reason::revoked ||
                          effect.reason == Reason::unknown_key ||
                          effect.reason == Reason::identity_mismatch;
  world_.Expect(IsForGood(effect.reason) && (!closed_out || home_.observer->roster_changed),
                name() + " stops: " + std::string(ReasonName(effect.reason)) + ": " + effect.text);
  ended_ = effect.reason;
}

}  // namespace muster::simulator
