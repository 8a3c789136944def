#include "participant/runtime/member.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/digest.h"
#include "common/limits.h"
#include "common/random.h"
#include "participant/runtime/client_files.h"
#include "participant/runtime/log.h"
#include "participant/runtime/state_file.h"
#include "protocol/codec.h"
#include "transport/endpoints_file.h"

namespace muster::participant {
namespace {

ParticipantOptions CoreOptions(const std::string& name) {
  ParticipantOptions options;
  options.name = name;
  const std::uint64_t random[] = {SystemRandom(), SystemRandom()};
  static_assert(sizeof(random) == sizeof(options.incarnation.bytes));
  std::memcpy(options.incarnation.bytes.data(), random, sizeof(random));
  options.jitter_seed = SystemRandom();
  options.reconnect_ms_min = limits::kReconnectMsMin;
  options.reconnect_ms_max = limits::kReconnectMsMax;
  return options;
}

/// The retained update's bytes. Without them the update is forgotten: whoever was told that it is
/// safe had it on a disk of his own before. Errors: io_failed.
Result<Payload> LoadUpdate(const std::string& name, const StatePaths& paths, DurableState& state) {
  if (!state.retained) {
    MUSTER_TRY(RemoveFile(paths.update));  // Of a fit that ended in the moment of a crash.
    return Payload{};
  }
  Result<Bytes> bytes = ReadFile(paths.update, limits::kModelBytesMax);
  if (bytes && bytes->size() == state.retained->bytes &&
      Xxh128Of(*bytes) == state.retained->digest) {
    auto owner = std::make_shared<const Bytes>(*std::move(bytes));
    return Payload{owner, ByteSpan(*owner)};
  }
  Log(LogLevel::warn, "the trained update cannot be read and is forgotten",
      {{"participant", name},
       {"update", state.retained->id.Text()},
       {"file", paths.update},
       {"reason", bytes ? "its digest is wrong" : bytes.error().Text()}});
  state.retained.reset();
  return Payload{};
}

LogLevel LevelOf(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::connection_lost:
    case NoticeKind::refused:
    case NoticeKind::coordinator_refused:
    case NoticeKind::update_dropped:
    case NoticeKind::ignored:
      return LogLevel::warn;
    default:
      return LogLevel::info;
  }
}

std::string_view NoticeText(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::connected:
      return "connected";
    case NoticeKind::connection_lost:
      return "connection lost";
    case NoticeKind::refused:
      return "refused";
    case NoticeKind::coordinator_refused:
      return "coordinator refused";
    case NoticeKind::task_started:
      return "task started";
    case NoticeKind::update_ready:
      return "update ready";
    case NoticeKind::update_accepted:
      return "update accepted";
    case NoticeKind::update_committed:
      return "update committed";
    case NoticeKind::update_dropped:
      return "update dropped";
    case NoticeKind::leaving:
      return "leaving";
    case NoticeKind::finished:
      return "ended";
    case NoticeKind::ignored:
      return "message ignored";
  }
  return "notice";
}

}  // namespace

Result<std::unique_ptr<Member>> Member::Open(HostParts& parts, std::size_t index) {
  const ParticipantSpec& spec = parts.options.participants[index];
  MUSTER_TRY(MakeDirectories(spec.state_dir, 0700));
  const StatePaths paths(spec.state_dir);
  Result<FileLock> lock = FileLock::Acquire(paths.lock);
  if (!lock) return lock.error();
  Result<DurableState> state = ReadStateFile(paths.state);
  if (!state) return state.error();
  Result<Payload> update = LoadUpdate(spec.name, paths, *state);
  if (!update) return update.error();
  std::vector<std::string> losses;
  MUSTER_TRY(OpenClientFiles(paths, *state, losses));
  for (const std::string& loss : losses) {
    Log(LogLevel::warn, "client-side state lost", {{"participant", spec.name}, {"text", loss}});
  }
  return std::unique_ptr<Member>(
      new Member(parts, index, *std::move(lock), *std::move(state), *std::move(update)));
}

Member::Member(HostParts& parts, std::size_t index, FileLock lock, DurableState state,
               Payload update)
    : parts_(parts),
      index_(index),
      spec_(parts.options.participants[index]),
      paths_(spec_.state_dir),
      lock_(std::move(lock)),
      core_(CoreOptions(spec_.name), std::move(state)),
      update_(std::move(update)) {}

void Member::Deliver(Event event) {
  pending_.push_back(std::move(event));
  if (std::exchange(delivering_, true)) return;
  while (!pending_.empty() && !outcome_) {
    const Event next = std::move(pending_.front());
    pending_.pop_front();
    for (const Effect& effect : core_.Step(next, parts_.now)) {
      if (outcome_) break;  // An effect failed for good: what follows it has no ground.
      std::visit([this](const auto& what) { Perform(what); }, effect);
    }
  }
  if (outcome_) pending_.clear();
  delivering_ = false;
}

void Member::OnTransport(ClientEvent event) {
  if (std::holds_alternative<muster::LinkUp>(event.what)) {
    Deliver(LinkUp{});
  } else if (const auto* down = std::get_if<muster::LinkDown>(&event.what)) {
    LoseLink(down->reason);
  } else {
    ClientMessage& message = std::get<ClientMessage>(event.what);
    OnMessage(message.channel, std::move(message.frame));
  }
}

void Member::OnMessage(Channel channel, Frame frame) {
  Result<DecodedMessage> decoded = DecodeMessage(frame.head, frame.payload.bytes.size());
  if (!decoded) {
    Deliver(Unreadable{decoded.error().reason});
    return;
  }
  const Fence& fence = decoded->header.fence;
  const ModelChunk* chunk = std::get_if<ModelChunk>(&decoded->message);
  if ((chunk != nullptr) != (channel == Channel::bulk) &&
      !std::holds_alternative<Refused>(decoded->message)) {
    Deliver(Unreadable{Reason::unexpected_message});
    return;
  }
  if (chunk == nullptr) {
    Deliver(Received{fence, std::move(decoded->message)});
    return;
  }
  incoming_ = std::move(frame.payload);
  Deliver(ChunkReceived{fence, *chunk, ++handles_});
  incoming_ = {};
}

void Member::OnCompletion(Completion completion) {
  if (outcome_) return;
  if (!completion.warning.empty()) {
    Log(LogLevel::warn, "fit", {{"participant", spec_.name}, {"text", completion.warning}});
  }
  if (completion.failure) {
    Fail(*completion.failure);
    return;
  }
  if (!std::holds_alternative<StateSaved>(completion.event)) fit_.reset();
  if (completion.update) {
    const ByteSpan bytes = completion.update->bytes();
    update_ = Payload{std::move(completion.update), bytes};
  }
  Deliver(std::move(completion.event));
}

void Member::OnTurn() {
  if (outcome_) return;
  if (!control_.empty()) Flush(control_);
  if (!bulk_.empty()) {
    Flush(bulk_);
    if (bulk_.empty() && link_ != 0) Deliver(BulkWritable{});
  }
  if (NextTurn() > parts_.now) return;
  ticked_at_ = parts_.now;
  armed_.reset();
  Deliver(Tick{});
}

MonotonicMs Member::NextTurn() const {
  return std::min(ticked_at_ + kTickMsMax, armed_.value_or(ticked_at_ + kTickMsMax));
}

void Member::Perform(const Connect&) {
  MUSTER_CHECK(link_ == 0, "one link at a time");
  Result<ClientTransport::Target> target = parts_.options.target;
  if (!parts_.options.endpoints_file.empty()) target = ReadEndpoints(parts_.options.endpoints_file);
  Result<LinkId> link =
      target ? parts_.transport.Open(index_, *target) : Result<LinkId>(target.error());
  if (!link) {
    Log(LogLevel::warn, "cannot connect",
        {{"participant", spec_.name}, {"text", link.error().Text()}});
    Deliver(LinkDown{Reason::transport_failed});
    return;
  }
  link_ = *link;
  parts_.links[link_] = this;
}

void Member::CloseLink() {
  if (link_ == 0) return;
  parts_.links.erase(link_);
  parts_.transport.Close(std::exchange(link_, 0));
  control_.Clear();
  bulk_.Clear();
}

void Member::LoseLink(Reason reason) {
  CloseLink();
  Deliver(LinkDown{reason});
}

void Member::Perform(const SendUpdateChunk& effect) {
  const ByteSpan bytes = update_.bytes.subspan(effect.offset, effect.bytes);
  UpdateChunk chunk{effect.id, effect.offset, effect.bytes, Xxh64Of(bytes)};
  Enqueue(bulk_, chunk, effect.fence, Payload{update_.owner, bytes});
}

void Member::Enqueue(Outbox& outbox, const Message& message, const Fence& fence, Payload payload) {
  if (link_ == 0) return;
  MessageHeader header;
  header.job = std::holds_alternative<Hello>(message) ? JobPrefix{} : job_prefix_;
  header.fence = fence;
  header.sequence = ++sequence_;
  if (!outbox.Push(Frame{EncodeMessage(header, message), std::move(payload)})) {
    LoseLink(Reason::no_credit);
    return;
  }
  Flush(outbox);
}

void Member::Flush(Outbox& outbox) {
  if (link_ == 0) return;
  if (outbox.Flush(parts_.transport, link_) == SendResult::gone) {
    LoseLink(Reason::connection_lost);
  }
}

void Member::Perform(const SetJob& effect) {
  Result<std::unique_ptr<Trainer>> trainer =
      CreateTrainer(effect.job, effect.part, parts_.options.data);
  if (!trainer) {
    Fail(trainer.error());
    return;
  }
  trainer_ = *std::move(trainer);
  strategy_ = CreateStrategy(effect.job);
  keeps_client_state_ = KeepsClientState(effect.job);
  job_prefix_ = JobPrefixOf(JobDigest(effect.job));
}

void Member::Perform(const OpenModel& effect) {
  const Result<ParameterLayout> layout = DownloadLayout(*strategy_, trainer_->layout());
  const Status opened =
      layout ? model_.Open(*layout, effect.version, effect.bytes) : Status(layout.error());
  if (!opened) Fail(opened.error());
}

void Member::Perform(const StoreChunk& effect) {
  const Payload payload = std::exchange(incoming_, {});
  const Version version = effect.chunk.version;
  if (!model_.Store(effect.chunk, payload.bytes)) {
    Deliver(ChunkRejected{version});
    return;
  }
  Deliver(ChunkStored{version, effect.chunk.offset + effect.chunk.bytes});
  if (const auto digest = model_.Finished()) Deliver(ModelChecked{version, *digest});
}

void Member::Perform(const StartFit& effect) {
  MUSTER_CHECK(fit_ == nullptr, "one fit at a time");
  MUSTER_CHECK(model_.Finished() && model_.version() == effect.base_version,
               "a fit needs the model it was asked to start from");
  fit_ = std::make_shared<Fit>();
  fit_->id = effect.id;
  fit_->base_version = effect.base_version;
  fit_->ask = effect.ask;
  fit_->keep_on_disk = effect.keep_on_disk;
  fit_->keeps_client_state = keeps_client_state_;
  fit_->strategy = strategy_;
  fit_->client = effect.client;
  fit_->base = model_.model();
  parts_.training.Submit([fit = fit_, trainer = trainer_, paths = paths_, index = index_,
                          &completions = parts_.completions] {
    if (fit->claimed.exchange(true)) return;
    FitOutcome outcome = RunFit(*fit, *trainer, paths);
    completions.Push({index, std::move(outcome.event), std::move(outcome.update),
                      std::move(outcome.warning), std::nullopt});
  });
}

void Member::Perform(const StopFit& effect) { EndFit(effect.save_position); }

void Member::EndFit(bool save_position) {
  if (fit_ == nullptr) return;
  fit_->save_position = save_position;
  fit_->stop.request_stop();
  if (!fit_->claimed.exchange(true)) {
    // It had not begun: nobody else will say that it has stopped.
    const UpdateId id = std::exchange(fit_, nullptr)->id;
    Deliver(FitStopped{id});
  }
}

void Member::Perform(const SaveState& effect) {
  parts_.disk.Submit(
      [effect, path = paths_.state, index = index_, &completions = parts_.completions] {
        Completion completion{index, StateSaved{effect.token}, nullptr, {}, std::nullopt};
        const Status saved = WriteStateFile(path, effect.state);
        if (!saved) completion.failure = saved.error();
        completions.Push(std::move(completion));
      });
}

void Member::Perform(const ForgetUpdate&) {
  update_ = {};
  Remove(paths_.update);
  Remove(paths_.client_next);
}

void Member::Perform(const PromoteClient&) {
  if (const Status promoted = PromoteClientFile(paths_); !promoted) Fail(promoted.error());
}

void Member::Perform(const ForgetPosition&) { Remove(paths_.position); }

void Member::Remove(const std::string& path) {
  if (const Status removed = RemoveFile(path); !removed) Fail(removed.error());
}

void Member::Perform(const Notice& effect) {
  if (effect.reason == Reason::finished) {
    Log(LevelOf(effect.kind), NoticeText(effect.kind),
        {{"participant", spec_.name}, {"text", effect.text}});
    return;
  }
  Log(LevelOf(effect.kind), NoticeText(effect.kind),
      {{"participant", spec_.name},
       {"reason", std::string(ReasonName(effect.reason))},
       {"text", effect.text}});
}

void Member::Perform(const Stop& effect) {
  outcome_ = RunOutcome{effect.reason, effect.text};
  EndFit(false);
  CloseLink();
}

void Member::Fail(const Error& error) {
  if (outcome_) return;
  Log(LogLevel::error, "failed", {{"participant", spec_.name}, {"text", error.Text()}});
  outcome_ = RunOutcome{error.reason, error.message};
  EndFit(false);
  CloseLink();
}

}  // namespace muster::participant
