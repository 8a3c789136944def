// From chunks to a durable accept: spool -> sync -> batch -> ack, and beside it the fold.
#include <algorithm>
#include <utility>

#include "aggregation/scales.h"
#include "common/limits.h"
#include "coordinator/core/impl.h"
#include "model/staleness.h"

namespace muster::coordinator {

Upload* CoordinatorCore::Impl::FindUpload(UploadId id) {
  const auto slot = upload_slots_.find(id);
  return slot == upload_slots_.end() ? nullptr : &uploads_.at(slot->second);
}

void CoordinatorCore::Impl::On(const ChunkReceived& received) {
  Session* session = FindSession(received.link, received.identity);
  const auto drop = [&](Reason reason, std::string text, std::int64_t retry_after_ms = 0) {
    Emit(DropPayload{received.payload});
    if (session == nullptr) return;
    RefuseSession(*session, reason, received.chunk.id, std::move(text), retry_after_ms);
  };
  if (session == nullptr) return drop(Reason::no_session, "");
  if (received.fence != Fence{lineage_.id.number, epoch_.epoch}) {
    return drop(Reason::stale_epoch, "the chunk names another coordinator life");
  }
  session->lease_until = now_ + options_.lease_ms;
  const auto found = uploads_.find(received.chunk.id.slot);
  if (found == uploads_.end() || found->second.offer.id != received.chunk.id ||
      found->second.from != session->index || session->bulk != received.link) {
    // What was under way when its upload was refused must not keep the sender from another offer.
    return drop(Reason::unexpected_message, "no such upload was granted", limits::kBusyRetryMs);
  }
  Upload& upload = found->second;
  const UpdateChunk& chunk = received.chunk;
  if (upload.state != Upload::State::receiving || chunk.offset != upload.requested ||
      chunk.bytes == 0 || chunk.bytes > upload.offer.bytes - upload.requested) {
    return drop(Reason::wrong_offset,
                "expected the bytes from " + std::to_string(upload.requested));
  }
  if (upload.requested + chunk.bytes - upload.stored > limits::kCreditWindowBytes) {
    return drop(Reason::no_credit, "more than the granted window is under way");
  }
  upload.requested += chunk.bytes;
  bytes_to_store_ += chunk.bytes;
  NoteProgress(upload);
  Count("update_bytes_received", chunk.bytes);
  Emit(StoreChunk{upload.id, received.payload, chunk.offset, chunk.bytes, chunk.checksum});
}

void CoordinatorCore::Impl::On(const ChunkStored& stored) {
  Upload* upload = FindUpload(stored.upload);
  if (upload == nullptr) return;
  MUSTER_CHECK(stored.offset > upload->stored && stored.offset <= upload->requested,
               "chunks of an upload are stored in order");
  bytes_to_store_ -= stored.offset - upload->stored;
  upload->stored = stored.offset;
  NoteProgress(*upload);
  if (upload->stored == upload->offer.bytes) {
    upload->state = Upload::State::checking;
  } else {
    SendTo(upload->from, UploadCredit{upload->offer.id, stored.offset});
  }
}

// The runtime reads no more chunks while too many wait for the spool: silence means nothing then.
void CoordinatorCore::Impl::NoteProgress(Upload& upload) {
  upload.progressed_at = now_;
  if (bytes_to_store_ >= limits::kParkedPayloadBytesMax / 2) spool_behind_at_ = now_;
}

void CoordinatorCore::Impl::On(const ChunkRejected& rejected) {
  const Upload* upload = FindUpload(rejected.upload);
  if (upload == nullptr) return;
  const Slot slot = upload->offer.id.slot;
  if (rejected.reason == Reason::not_finite) {
    RefuseForGood(slot, {rejected.reason, {}, 0}, "the update holds NaN or infinity");
  } else {
    RefuseUpload(slot, rejected.reason, "the chunk was not taken; offer again");
  }
}

void CoordinatorCore::Impl::On(const UploadChecked& checked) {
  Upload* upload = FindUpload(checked.upload);
  if (upload == nullptr) return;
  MUSTER_CHECK(upload->state == Upload::State::checking, "checked before it was whole");
  const Slot slot = upload->offer.id.slot;
  if (checked.digest != upload->offer.digest) {
    RefuseUpload(slot, Reason::digest_mismatch, "the bytes are not those that were offered");
    return;
  }
  if (!checked.gaps_zero) {
    RefuseForGood(slot, {Reason::malformed_message, {}, 0},
                  "bytes between the tensors are not zero");
    return;
  }
  if (TakesStale()) {
    // Which round it counts in is not certain before it is accepted.
    upload->tensor_max_abs = checked.tensor_max_abs;
    if (phase_ == Phase::report && !IsWithinBounds(slot, checked.tensor_max_abs)) return;
  } else {
    MUSTER_CHECK(round_.has_value(), "an upload without an open round");
    if (!IsWithinBounds(slot, checked.tensor_max_abs)) return;
  }
  upload->finished_order = next_finished_order_++;
  pace_.OnWhole(upload->from, upload->offer.id, now_);
  if (in_memory_) {
    upload->state = Upload::State::awaiting_batch;
    PumpAccepts();
    return;
  }
  upload->state = Upload::State::awaiting_sync;
  PumpSync();
  PumpFolds();
  if (IsLate(upload->offer.id)) MakeWayForOwn();
}

// Else its upload is refused. Bounds that are being raised hold before anything of it is accepted.
bool CoordinatorCore::Impl::IsWithinBounds(Slot slot, const std::vector<float>& tensor_max_abs) {
  const std::uint32_t raise = RaiseNeeded(round_->scales, tensor_max_abs);
  const std::uint32_t coming = round_->record.bound_raise - round_->scales_raise;
  if (raise <= coming) return true;
  RefuseForGood(slot, {Reason::out_of_bound, {}, raise - coming},
                "a value is beyond the round's bound");
  return false;
}

// Frees the slot's upload without a word.
void CoordinatorCore::Impl::DropUpload(Slot slot) {
  const auto found = uploads_.find(slot);
  if (found == uploads_.end()) return;
  Emit(CloseUpload{found->second.id});
  bytes_to_store_ -= found->second.requested - found->second.stored;
  free_extents_.insert(found->second.extent.index);
  upload_slots_.erase(found->second.id);
  uploads_.erase(found);
}

void CoordinatorCore::Impl::DropAllUploads() {
  while (!uploads_.empty()) DropUpload(uploads_.begin()->first);
  grant_queue_.clear();
  for (auto& [index, session] : sessions_) session.queued.reset();
}

// The sender may offer this update again.
void CoordinatorCore::Impl::RefuseUpload(Slot slot, Reason reason, std::string text) {
  const UpdateId id = uploads_.at(slot).offer.id;
  const auto session = sessions_.find(uploads_.at(slot).from);
  DropUpload(slot);
  if (session != sessions_.end()) {
    RefuseSession(session->second, reason, id, std::move(text), limits::kBusyRetryMs);
    // Bytes that are not its update's it does not keep.
    if (reason == Reason::digest_mismatch) session->second.ordered.reset();
    // Who took over from the sender while the update seemed whole was not asked for it yet.
    OrderTask(session->second);
  } else if (Elastic()) {
    round_->leases.erase(slot);
    OrderAllTasks();
  }
  PumpGrants();
}

void CoordinatorCore::Impl::RefuseForGood(Slot slot, RefusedSlot refused, std::string text) {
  const UpdateId id = uploads_.at(slot).offer.id;
  const RosterIndex from = uploads_.at(slot).from;
  const auto session = sessions_.find(from);
  DropUpload(slot);
  if (session != sessions_.end()) {
    refused.by = session->second.incarnation;
    RefuseSession(session->second, refused.reason, id, std::move(text));
    if (Async() || IsLate(id)) session->second.ordered.reset();  // Something newer is asked for.
  }
  if (IsLate(id)) {
    late_rounds_.OnRefused(id);
  } else if (round_) {
    round_->refused[{slot, from}] = refused;
  }
  if (Elastic()) {
    // Who is here and keeps an update that larger bounds will take is asked for it then.
    if (FitsUnderCap(refused) && session != sessions_.end()) {
      round_->leases[slot] = {from, round_->record.attempt + 1, 0};
    } else {
      round_->leases.erase(slot);
    }
    OrderAllTasks();
  }
  // It is free, and so is its place under the cap.
  if (Async()) OrderByTurn();
  if (IsLate(id) && session != sessions_.end()) OrderTask(session->second);
  PumpGrants();
  CheckClose();
}

// One sync at a time; whatever became whole while it ran shares the next one.
void CoordinatorCore::Impl::PumpSync() {
  if (sync_token_) return;
  bool any = false;
  for (auto& [slot, upload] : uploads_) {
    if (upload.state != Upload::State::awaiting_sync) continue;
    upload.state = Upload::State::syncing;
    any = true;
  }
  if (!any) return;
  sync_token_ = next_id_++;
  Emit(SyncSpool{*sync_token_});
}

void CoordinatorCore::Impl::On(const SpoolSynced& synced) {
  if (sync_token_ != synced.token) return;
  sync_token_.reset();
  for (auto& [slot, upload] : uploads_) {
    if (upload.state == Upload::State::syncing) upload.state = Upload::State::awaiting_batch;
  }
  PumpSync();
  PumpAccepts();
  if (draining_) CheckDrained();
}

std::vector<Upload*> CoordinatorCore::Impl::InOrderOfFinish(std::size_t most,
                                                            bool (*wanted)(const Upload&)) {
  std::vector<Upload*> uploads;
  for (auto& [slot, upload] : uploads_) {
    if (wanted(upload)) uploads.push_back(&upload);
  }
  std::sort(uploads.begin(), uploads.end(),
            [](const Upload* a, const Upload* b) { return a->finished_order < b->finished_order; });
  if (uploads.size() > most) uploads.resize(most);
  return uploads;
}

// Whether updates are under way that only a death of this process can keep out of the round.
bool CoordinatorCore::Impl::AcceptsInFlight() const {
  return std::any_of(uploads_.begin(), uploads_.end(),
                     [](const auto& entry) { return entry.second.folding; });
}

// Whoever became whole first is accepted first, so those that fit under the goal are certain: they
// are folded while they become durable, and the last of a round keeps nobody waiting. Late ones
// come beside them until the goal is complete: from then on nothing may change the sum.
void CoordinatorCore::Impl::PumpFolds() {
  if (phase_ != Phase::report || in_memory_) return;
  const auto taken = [](const Upload& upload) {
    return upload.state >= Upload::State::awaiting_sync;
  };
  const std::vector<Upload*> whole = InOrderOfFinish(uploads_.size(), taken);
  const auto fold = [&](bool late, std::size_t most) {
    for (Upload* upload : whole) {
      const Offer& offer = upload->offer;
      if (IsLate(offer.id) != late) continue;
      if (most == 0) return most;
      --most;
      if (std::exchange(upload->folding, true)) continue;
      Emit(
          Fold{offer.id, offer.digest, upload->extent, offer.weight, FactorOf(offer.base_version)});
    }
    return most;
  };
  const std::size_t own = OwnAccepted();
  if (fold(/*late=*/false, Goal() - own) == 0) return;
  fold(/*late=*/true, LateUpdatesMax(job_.round) - (round_->accepted.size() - own));
}

AcceptedUpdate CoordinatorCore::Impl::AcceptedOf(const Upload& upload) const {
  return {.id = upload.offer.id,
          .counts_in = round_->record.round,
          .digest = upload.offer.digest,
          .weight = upload.offer.weight,
          .base_version = upload.offer.base_version,
          .client_version = upload.offer.client_version,
          .from = upload.from,
          .attempt = round_->record.attempt,
          .extent = upload.extent};
}

// One accept batch at a time, in the order in which the updates became whole, and of those only
// that are being folded: the exponents leave room for no more.
void CoordinatorCore::Impl::PumpAccepts() {
  if (phase_ != Phase::report) return;
  if (in_memory_) return AcceptInMemory();
  const auto persisting = [](const Upload& u) { return u.state == Upload::State::persisting; };
  if (!InOrderOfFinish(1, persisting).empty()) return;
  const std::vector<Upload*> ready = InOrderOfFinish(uploads_.size(), [](const Upload& u) {
    return u.folding && u.state == Upload::State::awaiting_batch;
  });
  if (ready.empty()) return;
  Batch batch;
  ForAccepts purpose;
  for (Upload* upload : ready) {
    upload->state = Upload::State::persisting;
    purpose.updates.push_back(AcceptedOf(*upload));
    batch.mutations.push_back(PutAccepted{purpose.updates.back()});
  }
  PersistFor(std::move(purpose), std::move(batch));
}

// Its upload is over, and its sender hears of it.
void CoordinatorCore::Impl::AcceptUpdate(const AcceptedUpdate& update) {
  const auto upload = uploads_.find(update.id.slot);
  Emit(CloseUpload{upload->second.id});
  if (upload->second.folded) round_->folded.insert(update.id);
  upload_slots_.erase(upload->second.id);
  uploads_.erase(upload);
  round_->accepted[update.id] = update;
  round_->leases.erase(update.id.slot);
  round_->last_refusals.erase(update.id.slot);
  pace_.OnAccepted(update.from, update.id);
  Count("updates_accepted");
  if (IsLate(update.id)) Count("updates_accepted_late");
  SendTo(update.from, Accepted{update.id, update.digest});
  Note({.kind = NoticeKind::update_accepted,
        .round = update.counts_in,
        .attempt = update.attempt,
        .who = NameOf(update.from),
        .text = IsLate(update.id) ? "late, of round " + std::to_string(update.id.round) : ""});
}

void CoordinatorCore::Impl::Release(const ForAccepts& purpose) {
  MUSTER_CHECK(round_.has_value(), "accepts of a round that is gone");
  // Their extents stay taken until the commit.
  for (const AcceptedUpdate& update : purpose.updates) AcceptUpdate(update);
  PumpAccepts();
  PumpGrants();
  if (Elastic()) OrderAllTasks();  // Whoever handed in a block gets the next at once.
  CheckClose();
  if (TakesStale()) GoOn(purpose.updates);
  if (draining_) CheckDrained();
}

}  // namespace muster::coordinator
