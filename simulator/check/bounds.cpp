#include "simulator/check/bounds.h"

#include <algorithm>
#include <string>

#include "common/limits.h"
#include "simulator/check/reference_step.h"

namespace muster::simulator {
namespace {

/// Batches of the open round, accepts, commit, roster, ends; and one for each evaluation.
constexpr std::size_t kBatchesMost = limits::kEvaluationsWaitingMax + 16;
/// Of a sum, and of the one that it replaces.
constexpr std::size_t kSumsMost = 2;

bool Folds(const RoundSpec& round) { return round.late == LatePolicy::fold; }

/// In the spool: for a round, for the version before it, and one upload to spare of each kind.
std::uint64_t ExtentsMost(const RoundSpec& round) {
  return 2 * NaiveUpdatesMost(round) + (Folds(round) ? 2 : 1);
}

}  // namespace

void Bounds::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  uploads_.clear();
  folding_.clear();
  held_extents_.clear();
  payload_.reset();
  for (const AcceptedUpdate& update : recovered.accepted) {
    held_extents_[update.counts_in].insert(update.extent.index);
  }
}

void Bounds::OnEvent(const coordinator::Event& event) {
  payload_.reset();
  if (const auto* chunk = std::get_if<coordinator::ChunkReceived>(&event)) {
    payload_ = chunk->payload;
  } else if (const auto* stored = std::get_if<coordinator::ChunkStored>(&event)) {
    const auto upload = uploads_.find(stored->upload);
    if (upload != uploads_.end()) upload->second.stored = stored->offset;
  } else if (const auto* folded = std::get_if<coordinator::Folded>(&event)) {
    const auto fold = folding_.find(folded->id);
    if (fold != folding_.end()) folding_.erase(fold);
  }
}

void Bounds::OnWritten(const Batch& batch) {
  for (const auto* put : All<PutAccepted>(batch)) {
    held_extents_[put->update.counts_in].insert(put->update.extent.index);
  }
  for (const auto* clear : All<ClearAccepted>(batch)) {
    held_extents_.erase(held_extents_.begin(), held_extents_.upper_bound(clear->round));
  }
}

void Bounds::CheckExtent(std::uint32_t extent, std::uint64_t bytes) {
  const std::uint64_t goal = setup_.job.round.goal;
  const std::uint64_t budget = setup_.options.memory_accept_bytes;
  const std::uint64_t most = ledger_.in_memory()
                                 ? std::max<std::uint64_t>(2, std::min(goal + 1, budget / bytes))
                                 : ExtentsMost(setup_.job.round);
  Expect(extent < most, [&] {
    return "extent " + std::to_string(extent) + " is given out; a round of goal " +
           std::to_string(goal) + " has " + std::to_string(most);
  });
}

std::size_t Bounds::AcceptedInMemory() const {
  const auto& round = ledger_.open_round();
  return static_cast<std::size_t>(std::ranges::count_if(ledger_.accepted(), [&](const auto& one) {
    return round && one.second.counts_in == round->round;
  }));
}

// Only what is whole may be folded, and so acknowledged, where nothing but memory holds it.
void Bounds::CheckFold(const coordinator::Fold& fold) {
  if (!ledger_.in_memory()) return;
  const auto upload = std::ranges::find_if(
      uploads_, [&](const auto& one) { return one.second.extent == fold.extent.index; });
  Expect(upload != uploads_.end() && upload->second.stored == upload->second.bytes,
         [&] { return fold.id.Text() + " is accepted before the whole of it is in memory"; });
  folding_.emplace(fold.id, fold.extent.index);
}

void Bounds::Open(const coordinator::OpenUpload& open) {
  const std::uint32_t extent = open.extent.index;
  const std::size_t goal = setup_.job.round.goal;
  // Uploads that outlive their round come on top, as far as there are extents.
  const std::size_t most = Folds(setup_.job.round) ? ExtentsMost(setup_.job.round) : goal + 1;
  CheckExtent(extent, open.bytes);
  const bool uploading =
      std::ranges::any_of(uploads_, [&](const auto& one) { return one.second.extent == extent; });
  const bool held =
      std::ranges::any_of(held_extents_,
                          [&](const auto& round) { return round.second.contains(extent); }) ||
      std::ranges::any_of(folding_, [&](const auto& one) { return one.second == extent; });
  Expect(!uploading && !held, [&] {
    return "extent " + std::to_string(extent) + " is given out while it holds " +
           (held ? "an accepted update" : "another upload");
  });
  uploads_[open.upload] = {extent, open.bytes, 0, 0};
  const auto& round = ledger_.open_round();
  const auto of_round = round ? held_extents_.find(round->round) : held_extents_.end();
  const std::size_t accepted = ledger_.in_memory()               ? AcceptedInMemory()
                               : of_round == held_extents_.end() ? 0
                                                                 : of_round->second.size();
  Expect(uploads_.size() + accepted <= most, [&] {
    return std::to_string(uploads_.size()) + " uploads are granted with " +
           std::to_string(accepted) + " accepted; the goal is " + std::to_string(goal);
  });
}

void Bounds::Store(const coordinator::StoreChunk& chunk) {
  const auto found = uploads_.find(chunk.upload);
  Expect(found != uploads_.end(), [] { return "bytes of an upload that is not open are stored"; });
  if (found == uploads_.end()) return;
  Upload& upload = found->second;
  Expect(chunk.offset == upload.asked && chunk.bytes <= upload.bytes - upload.asked, [&] {
    return "a chunk at byte " + std::to_string(chunk.offset) + " is stored after byte " +
           std::to_string(upload.asked) + " of " + std::to_string(upload.bytes);
  });
  upload.asked += chunk.bytes;
  Expect(upload.asked - upload.stored <= limits::kCreditWindowBytes, [&] {
    return std::to_string(upload.asked - upload.stored) + " bytes of one upload are in flight";
  });
}

void Bounds::TakePayload(coordinator::PayloadHandle payload) {
  Expect(payload_ == payload, [&] {
    return "payload " + std::to_string(payload) + " is taken a second time, or was never there";
  });
  payload_.reset();
}

void Bounds::OnEffect(const coordinator::Effect& effect) {
  if (const auto* open = std::get_if<coordinator::OpenUpload>(&effect)) {
    Open(*open);
  } else if (const auto* close = std::get_if<coordinator::CloseUpload>(&effect)) {
    uploads_.erase(close->upload);
  } else if (const auto* fold = std::get_if<coordinator::Fold>(&effect)) {
    CheckFold(*fold);
  } else if (const auto* chunk = std::get_if<coordinator::StoreChunk>(&effect)) {
    TakePayload(chunk->payload);
    Store(*chunk);
  } else if (const auto* drop = std::get_if<coordinator::DropPayload>(&effect)) {
    TakePayload(drop->payload);
  } else if (const auto* grant = Sent<Grant>(effect)) {
    Expect(grant->credit_bytes <= limits::kCreditWindowBytes &&
               grant->chunk_bytes <= limits::kTransferChunkBytesMax,
           [&] { return grant->id.Text() + " is granted more than a window"; });
  }
}

void Bounds::OnStepped(const coordinator::CoordinatorCore& /*core*/, MonotonicMs /*now*/) {
  Expect(!payload_, [&] {
    return "payload " + std::to_string(*payload_) + " is neither stored nor dropped in its step";
  });
  Expect(outstanding_.batches() <= kBatchesMost &&
             outstanding_.folds() <= kSumsMost * NaiveUpdatesMost(setup_.job.round) &&
             outstanding_.evaluations() <= limits::kEvaluationsWaitingMax,
         [&] {
           return std::to_string(outstanding_.batches()) + " batches, " +
                  std::to_string(outstanding_.folds()) + " folds and " +
                  std::to_string(outstanding_.evaluations()) + " evaluations are under way";
         });
  Expect(sessions_.count() <= ledger_.roster().size(), [&] {
    return std::to_string(sessions_.count()) + " sessions for " +
           std::to_string(ledger_.roster().size()) + " names";
  });
}

void Bounds::OnParticipantStart(RosterIndex who, const participant::DurableState& /*state*/) {
  members_[who] = Member();
}

void Bounds::OnParticipantEvent(RosterIndex who, const participant::Event& event) {
  Member& member = members_[who];
  const auto credit = [&member](const UpdateId& id, std::uint64_t offset) {
    if (member.uploading != id) member.credited = 0;
    member.uploading = id;
    member.credited = std::max(member.credited, offset);
  };
  if (const auto* stored = std::get_if<participant::ChunkStored>(&event)) {
    member.stored = stored->offset;
  } else if (const auto* received = std::get_if<participant::Received>(&event)) {
    if (const auto* grant = std::get_if<Grant>(&received->message)) {
      credit(grant->id, grant->offset);
    } else if (const auto* more = std::get_if<UploadCredit>(&received->message)) {
      credit(more->id, more->offset);
    }
  }
}

void Bounds::OnParticipantEffect(RosterIndex who, const participant::Effect& effect) {
  Member& member = members_[who];
  if (std::holds_alternative<participant::OpenModel>(effect)) {
    member.stored = 0;
  } else if (const auto* bulk = std::get_if<participant::SendBulk>(&effect)) {
    const auto* request = std::get_if<ModelRequest>(&bulk->message);
    if (request == nullptr) return;
    Expect(request->offset + request->bytes <= member.stored + limits::kCreditWindowBytes, [&] {
      return MemberText(who) + " asks for model bytes up to " +
             std::to_string(request->offset + request->bytes) + " with " +
             std::to_string(member.stored) + " stored";
    });
  } else if (const auto* chunk = std::get_if<participant::SendUpdateChunk>(&effect)) {
    const std::uint64_t credited = member.uploading == chunk->id ? member.credited : 0;
    Expect(chunk->offset + chunk->bytes <= credited + limits::kCreditWindowBytes, [&] {
      return MemberText(who) + " sends " + chunk->id.Text() + " up to byte " +
             std::to_string(chunk->offset + chunk->bytes) + " with " + std::to_string(credited) +
             " stored";
    });
  }
}

}  // namespace muster::simulator
