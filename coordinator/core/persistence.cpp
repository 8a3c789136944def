// Batches under way: nothing that a batch justifies is said before its Persisted came.
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/core/impl.h"

namespace muster::coordinator {
namespace {

constexpr std::int64_t kDiskFullRetryMs = 1'000;

}  // namespace

void CoordinatorCore::Impl::PersistFor(Purpose purpose, Batch batch) {
  const Token token = next_id_++;
  Emit(Persist{token, batch});
  batches_.emplace(token, PendingBatch{std::move(purpose), std::move(batch), std::nullopt});
}

void CoordinatorCore::Impl::On(const Persisted& persisted) {
  const auto found = batches_.find(persisted.token);
  if (found == batches_.end()) return;
  const PendingBatch pending = std::move(found->second);
  batches_.erase(found);
  std::visit([this](const auto& purpose) { Release(purpose); }, pending.purpose);
}

void CoordinatorCore::Impl::On(const PersistRefused& refused) {
  const auto found = batches_.find(refused.token);
  if (found == batches_.end()) return;
  Count("disk_full");
  Note({.kind = NoticeKind::refused,
        .reason = Reason::disk_full,
        .text = "a batch was not written; trying again"});
  if (std::holds_alternative<ForDeadline>(found->second.purpose)) {
    batches_.erase(found);  // The next one says more.
    return;
  }
  found->second.retry_at = now_ + kDiskFullRetryMs;
}

// Later batches may have passed a refused one: what it says of the open round is written as it is
// now, and not at all once that round is over or being committed. Otherwise a restart would find a
// round open that has its version.
void CoordinatorCore::Impl::RetryBatches() {
  std::vector<Token> due;
  for (const auto& [token, pending] : batches_) {
    if (pending.retry_at && now_ >= *pending.retry_at) due.push_back(token);
  }
  bool drains = false;
  for (const Token token : due) {
    PendingBatch& pending = batches_.at(token);
    pending.retry_at.reset();
    const auto* of_round = std::get_if<ForOpenRound>(&pending.purpose);
    const bool of_drain = std::holds_alternative<ForDrain>(pending.purpose);
    const bool open = round_ && (phase_ == Phase::select || phase_ == Phase::report);
    if (of_drain || (of_round && (!open || round_->record.round != of_round->round))) {
      drains = drains || of_drain;
      batches_.erase(token);
      continue;
    }
    if (of_round) pending.batch.mutations.back() = PutOpenRound{round_->record};
    Emit(Persist{token, pending.batch});
  }
  if (drains) CheckDrained();  // Makes the batch anew, unless there is something to wait for now.
}

void CoordinatorCore::Impl::Release(const ForDeadline&) {}

void CoordinatorCore::Impl::On(const SpoolRefused& refused) {
  if (spool_token_ != refused.token) return;
  spool_token_.reset();
  Count("disk_full");
  Note({.kind = NoticeKind::refused,
        .reason = Reason::disk_full,
        .text = "the spool of the round does not fit; trying again"});
  spool_retry_at_ = now_ + kDiskFullRetryMs;
}

}  // namespace muster::coordinator
