#include "participant/core/work.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace muster::participant {
namespace {

constexpr std::uint32_t kDownloadFailuresMax = 1;  ///< Tries again once, then gives up the link.
constexpr std::uint32_t kDownloadStallsMax = 2;

}  // namespace

void Work::OnOrder(const TaskOrder& order) {
  if (order.id.lineage != context_.fence.lineage || order.model_bytes == 0 ||
      order.model_bytes > limits::kModelBytesMax) {
    context_.Ignore("task " + order.id.Text() + " that nobody can do", Reason::malformed_message);
    return;
  }
  const std::optional<RetainedUpdate>& retained = context_.durable.retained;
  if (IsPast(order)) {
    context_.Ignore("task " + order.id.Text() + ", older than the one at hand",
                    Reason::unexpected_message);
    return;
  }
  std::erase_if(asked_, [&](const auto& asked) { return asked.first.round < order.id.round; });
  std::erase_if(handed_in_, [&](const UpdateId& id) { return id.round < order.id.round; });
  Attempt& asked = asked_[order.id];
  asked = std::max(asked, order.attempt);  // A copy of an older order may be the last to come.
  context_.SawVersion(order.base_version);
  if (retained && order.id == retained->id) {
    delivery_.OnAsked();
    return;
  }
  if (fit_ && fit_->id < order.id && !fit_->stopping && context_.GoesOn(fit_->id, order.id)) {
    context_.Ignore("task " + order.id.Text() + ": " + fit_->id.Text() + " is handed in first",
                    Reason::busy);
    return;
  }
  if (retained) delivery_.SettleBefore(order.id);
  if (fit_ && fit_->id != order.id) StopRunningFit(false);
  const bool known = order_ && order_->id == order.id;
  order_ = order;
  if (!known) {
    context_.Say(NoticeKind::task_started,
                 order.id.Text() + " on version " + std::to_string(order.base_version),
                 Reason::finished);
  }
  Advance();
}

// An order may come twice, the second time when its update is committed already, or, of elastic
// data, when another block of the round was asked for since.
bool Work::IsPast(const TaskOrder& order) const {
  if (handed_in_.contains(order.id)) return true;
  const auto behind = [&](const UpdateId& id) {
    if (order.id == id) return false;
    if (order.id.slot == id.slot) return order.id < id;
    const auto round = std::pair(order.id.lineage, order.id.round);
    const auto other = std::pair(id.lineage, id.round);
    const auto asked = asked_.find(order.id);
    return round < other ||
           (round == other && asked != asked_.end() && order.attempt <= asked->second);
  };
  const std::optional<UpdateId>& committed = delivery_.past();
  const bool done = committed &&
                    std::pair(order.id.lineage, order.id.round) <=
                        std::pair(committed->lineage, committed->round) &&
                    (order.id.slot != committed->slot || order.id <= *committed);
  const std::optional<RetainedUpdate>& retained = context_.durable.retained;
  return done || (retained && behind(retained->id)) || (order_ && behind(order_->id));
}

void Work::Advance() {
  if (!order_ || context_.leaving) return;
  if (fit_ && fit_->id == order_->id) return;
  if (!model_ || !model_->Is(*order_)) {
    if (context_.in_session) ContinueDownload();
    return;
  }
  // Persisted first: a state that names an older update would not match the file it describes.
  if (fit_ || !context_.AllSaved() || context_.durable.retained) return;
  fit_ = Fit{order_->id};
  context_.Emit(StartFit{.id = order_->id,
                         .base_version = order_->base_version,
                         .ask = context_.strategy->Ask(order_->id.round),
                         .keep_on_disk = !context_.in_memory,
                         .client = context_.durable.client});
}

void Work::ContinueDownload() {
  const bool same =
      download_ && download_->model.Is(*order_) && download_->bytes == order_->model_bytes;
  if (same && download_->active) return;
  if (!same) {
    download_ = Download{{order_->base_version, order_->model_digest}, order_->model_bytes};
    RestartDownload();
    return;
  }
  download_->active = true;
  download_->stalls = 0;
  RequestFrom(download_->stored);
}

void Work::RestartDownload() {
  model_.reset();
  download_->active = true;
  download_->stored = 0;
  context_.Emit(OpenModel{download_->model.version, download_->bytes});
  RequestFrom(0);
}

void Work::RequestFrom(std::uint64_t offset) {
  download_->expected = offset;
  download_->requested = offset;
  download_->asked_at = context_.now;
  RequestMore();
}

void Work::RequestMore() {
  Download& download = *download_;
  while (download.requested < download.bytes) {
    const std::uint64_t bytes =
        std::min<std::uint64_t>(limits::kTransferChunkBytes, download.bytes - download.requested);
    if (download.requested + bytes > download.stored + limits::kCreditWindowBytes) return;
    context_.Emit(SendBulk{
        ModelRequest{download.model.version, download.requested, static_cast<std::uint32_t>(bytes)},
        context_.fence});
    download.requested += bytes;
  }
}

void Work::OnChunk(const ChunkReceived& event) {
  const ModelChunk& chunk = event.chunk;
  const bool fits = IsDownloading() && chunk.version == download_->model.version &&
                    chunk.offset == download_->expected && chunk.bytes > 0 &&
                    chunk.bytes <= download_->requested - download_->expected;
  if (!fits) {
    context_.Emit(DropPayload{event.payload});
    context_.Ignore("a model chunk of version " + std::to_string(chunk.version) + " at byte " +
                        std::to_string(chunk.offset) + " that does not continue the download",
                    Reason::wrong_offset);
    return;
  }
  download_->expected += chunk.bytes;
  context_.Emit(StoreChunk{event.payload, chunk});
}

void Work::OnChunkStored(const ChunkStored& event) {
  if (!download_ || event.version != download_->model.version ||
      event.offset <= download_->stored || event.offset > download_->expected) {
    return;
  }
  download_->stored = event.offset;
  download_->stalls = 0;
  download_->asked_at = context_.now;
  if (IsDownloading()) RequestMore();
}

void Work::OnChunkRejected(const ChunkRejected& event) {
  if (!IsDownloading() || event.version != download_->model.version) return;
  if (++download_->failures > kDownloadFailuresMax) {
    download_.reset();
    context_.GiveUpLink(Reason::checksum_mismatch, "model chunks arrive with wrong checksums");
    return;
  }
  context_.Ignore("a model chunk with a wrong checksum; asked for again",
                  Reason::checksum_mismatch);
  RequestFrom(download_->stored);
}

void Work::OnModelChecked(const ModelChecked& event) {
  if (!download_ || event.version != download_->model.version ||
      download_->stored != download_->bytes) {
    return;
  }
  if (event.digest == download_->model.digest) {
    model_ = download_->model;
    download_.reset();
    Advance();
    return;
  }
  const bool again = IsDownloading() && ++download_->failures <= kDownloadFailuresMax;
  if (!again) {
    download_.reset();
    context_.GiveUpLink(Reason::digest_mismatch, "the model's bytes have another digest");
    return;
  }
  context_.Ignore("the model of version " + std::to_string(event.version) +
                      " has another digest; downloaded once again",
                  Reason::digest_mismatch);
  RestartDownload();
}

void Work::OnModelGone(const std::optional<UpdateId>& task) {
  // Each request is refused, and a newer order may have come in between.
  if (!IsDownloading() || (task && task->round != download_->model.version)) return;
  download_.reset();
  order_.reset();
}

void Work::OnHandedIn() {
  const std::optional<RetainedUpdate>& retained = context_.durable.retained;
  if (delivery_.stage() != Delivery::Stage::accepted) return;
  // What is in the coordinator's memory alone it may ask for again.
  if (!context_.in_memory) handed_in_.insert(retained->id);
  if (!context_.staleness_max || !order_ || !(retained->id < order_->id)) return;
  delivery_.SettleBefore(order_->id);
}

void Work::OnFitDone(const FitDone& event) {
  if (!fit_ || fit_->id != event.update.id) return;
  fit_.reset();
  if (!order_ || order_->id != event.update.id) {
    context_.Emit(ForgetUpdate{});
    Advance();
    return;
  }
  RetainedUpdate update = event.update;
  const Result<std::uint64_t> weight = context_.strategy->UpdateWeight(update.weight);
  if (!weight) {
    context_.Emit(ForgetUpdate{});
    context_.End(weight.error().reason,
                 "participant " + context_.options.name + " trained on " +
                     std::to_string(update.weight) + " examples; " + weight.error().message +
                     " (aggregation.weight_max, or aggregation.weights = \"uniform\")");
    return;
  }
  update.weight = *weight;
  order_.reset();
  delivery_.Take(update);
}

void Work::OnFitStopped(const FitStopped& event) {
  if (!fit_ || fit_->id != event.id) return;
  fit_.reset();
  Advance();
}

void Work::OnFitFailed(const FitFailed& event) {
  if (!fit_ || fit_->id != event.id) return;
  fit_.reset();
  context_.End(event.error.reason, "training of " + event.id.Text() + " failed on participant " +
                                       context_.options.name + ": " + event.error.message);
}

void Work::OnRefused(const Refused& refused) {
  if (!order_ || refused.id != order_->id) return;
  if (refused.reason == Reason::busy || refused.reason == Reason::draining) return;
  context_.Say(NoticeKind::update_dropped, refused.id->Text() + " is not wanted any more",
               refused.reason);
  if (fit_) StopRunningFit(false);
  if (download_) download_->active = false;
  order_.reset();
}

void Work::StopRunningFit(bool save_position) {
  if (fit_->stopping) return;
  fit_->stopping = true;
  context_.Emit(StopFit{save_position});
}

void Work::Halt(bool save_position) {
  if (fit_) StopRunningFit(save_position);
}

void Work::OnLinkLost() {
  asked_.clear();
  if (download_) download_->active = false;
  // Training goes on without a link; what has not begun waits to be asked for again.
  if (order_ && !context_.leaving && !(fit_ && fit_->id == order_->id && !fit_->stopping))
    order_.reset();
}

void Work::OnTick() {
  const std::optional<MonotonicMs> deadline = Deadline();
  if (!deadline || *deadline > context_.now) return;
  if (++download_->stalls > kDownloadStallsMax) {
    context_.GiveUpLink(Reason::timeout, "the model's bytes do not come");
    return;
  }
  RequestFrom(download_->stored);
}

std::optional<MonotonicMs> Work::Deadline() const {
  if (!IsDownloading() || download_->stored == download_->bytes) return std::nullopt;
  return download_->asked_at + context_.options.answer_ms;
}

}  // namespace muster::participant
