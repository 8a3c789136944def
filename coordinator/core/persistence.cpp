// Batches under way: nothing that a batch justifies is said before its Persisted came.
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

void CoordinatorCore::Impl::RetryBatches() {
  for (auto& [token, pending] : batches_) {
    if (!pending.retry_at || now_ < *pending.retry_at) continue;
    pending.retry_at.reset();
    if (std::holds_alternative<ForOpenRound>(pending.purpose) && round_) {
      // A later batch may have passed this one: write what holds now.
      pending.batch.mutations.back() = PutOpenRound{round_->record};
    }
    Emit(Persist{token, pending.batch});
  }
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
