// From a committed version to a stored one: its chunks are written beside the next round, and only
// then may the extents of its updates be used again.
#include "coordinator/core/impl.h"

namespace muster::coordinator {
namespace {

constexpr std::int64_t kStoreRetryMs = 1'000;

}  // namespace

void CoordinatorCore::Impl::StoreHead(const RoundRecord& record) {
  MUSTER_CHECK(!unstored_, "two versions wait to be stored");
  unstored_ = UnstoredVersion{record.version, record.round, record.parent, {}, std::nullopt};
  for (const auto& [id, update] : round_->accepted) {
    unstored_->extents.push_back(update.extent.index);
  }
  Emit(StoreVersion{record.version});
}

void CoordinatorCore::Impl::On(const VersionStored& stored) {
  if (!unstored_ || unstored_->version != stored.version) return;
  if (in_memory_) {
    unstored_.reset();
    PumpCommit();
    return;
  }
  // Without a sync: if it is lost, the next start finds the chunks and needs no update.
  PersistFor(ForStored{}, {{ClearAccepted{unstored_->round}}, /*sync=*/false});
}

void CoordinatorCore::Impl::On(const VersionStoreRefused& refused) {
  if (!unstored_ || unstored_->version != refused.version) return;
  Count("disk_full");
  Note({.kind = NoticeKind::refused,
        .version = refused.version,
        .reason = Reason::disk_full,
        .text = "a committed version does not fit on the disk; trying again"});
  unstored_->retry_at = now_ + kStoreRetryMs;
}

void CoordinatorCore::Impl::RetryStore() {
  if (!unstored_ || !unstored_->retry_at || now_ < *unstored_->retry_at) return;
  unstored_->retry_at.reset();
  Emit(StoreVersion{unstored_->version});
}

void CoordinatorCore::Impl::Release(const ForStored&) {
  for (const std::uint32_t extent : unstored_->extents) free_extents_.insert(extent);
  held_.insert(unstored_->version);
  unstored_.reset();
  DropOldVersions();
  PumpCommit();
  PumpGrants();
  if (finishing_) CheckGoodbyes();
  if (draining_) CheckDrained();
}

}  // namespace muster::coordinator
