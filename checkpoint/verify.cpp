#include "checkpoint/verify.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "aggregation/update_digest.h"
#include "checkpoint/copy_version.h"
#include "checkpoint/internal/in_use.h"
#include "checkpoint/internal/spool_reader.h"
#include "checkpoint/internal/update_bytes.h"
#include "checkpoint/load.h"

namespace muster {
namespace {

Error Damage(std::string text) { return {Reason::damage, std::move(text)}; }
std::string Named(Version version) { return "version " + std::to_string(version); }

/// What the records say one after another.
class Ledger {
 public:
  explicit Ledger(const std::vector<LineageRecord>& lineages) : lineages_(lineages) {}

  Status Add(const RoundRecord& record) {
    MUSTER_TRY(CheckChain(record));
    std::uint64_t weight_sum = 0;
    for (std::size_t i = 0; i < record.accepted.size(); ++i) {
      const RecordedUpdate& update = record.accepted[i];
      const std::string name = "the record of " + Named(record.version);
      if (i > 0 && !(record.accepted[i - 1].id < update.id)) {
        return Damage(name + " does not list its updates in order");
      }
      if (!counted_.emplace(update.id, record.version).second) {
        return Damage(update.id.Text() + " counts in two versions");
      }
      weight_sum += update.weight;
    }
    if (weight_sum != record.weight_sum) {
      return Damage("the weights in the record of " + Named(record.version) + " do not add up");
    }
    digests_[record.version] = record.digest;
    last_ = record;
    return {};
  }

  Status CheckFates(const std::vector<UpdateFate>& fates) const {
    for (const UpdateFate& fate : fates) {
      const auto found = counted_.find(fate.id);
      const std::optional<Version> version =
          found == counted_.end() ? std::nullopt : std::optional(found->second);
      if (fate.committed != version.has_value() || (version && *version != fate.version)) {
        return Damage("the fate of " + fate.id.Text() + " is not what the records say");
      }
    }
    return {};
  }

  std::uint64_t update_count() const { return counted_.size(); }

 private:
  Status CheckChain(const RoundRecord& record) const {
    if (!last_) return {};
    if (IsCopy(record)) return CheckCopy(record);
    MUSTER_TRY(CheckNumber(record));
    if (record.lineage != last_->lineage) {
      return Damage(Named(record.version) + " is of another lineage than " + Named(last_->version) +
                    ", but no copy begins it");
    }
    if (record.parent == last_->version) return {};
    return Damage(Named(record.version) + " names " + Named(record.parent) + " as its parent");
  }

  Status CheckNumber(const RoundRecord& record) const {
    if (record.version == last_->version + 1) return {};
    return Damage("there is no record between " + Named(last_->version) + " and " +
                  Named(record.version));
  }

  /// A copy goes on from any earlier version; where it begins a lineage, from the one that the
  /// lineage names, and versions before it may be lost with the log.
  Status CheckCopy(const RoundRecord& record) const {
    const auto source = digests_.find(record.parent);
    if (source == digests_.end() || source->second != record.digest) {
      return Damage(Named(record.version) + " is a copy of " + Named(record.parent) +
                    ", but has not its content");
    }
    if (record.lineage == last_->lineage) return CheckNumber(record);
    const auto begun = std::ranges::find(lineages_, record.lineage,
                                         [](const LineageRecord& one) { return one.id.number; });
    if (record.lineage > last_->lineage && record.version > last_->version &&
        begun != lineages_.end() && begun->fork_version == record.parent) {
      return {};
    }
    return Damage(Named(record.version) + " begins lineage " + std::to_string(record.lineage) +
                  ", which does not go on from " + Named(record.parent));
  }

  const std::vector<LineageRecord>& lineages_;
  std::optional<RoundRecord> last_;
  std::map<UpdateId, Version> counted_;
  std::map<Version, Sha256Digest> digests_;
};

Status CheckSpooled(const Spool& spool, const AcceptedUpdate& update, std::uint64_t bytes) {
  const UpdateSource source{[&](std::uint64_t offset, MutableByteSpan part) {
                              return spool.Read(update.extent.index, offset, part);
                            },
                            update.weight};
  const auto found = UpdateDigest(source, bytes);
  MUSTER_TRY(found);
  if (*found == update.digest) return {};
  return Damage("the spool holds other bytes for the accepted update " + update.id.Text() +
                " than were acknowledged");
}

/// The accepted updates whose bytes must lie in the spool.
std::vector<AcceptedUpdate> SpooledOf(const RecoveredState& state,
                                      const std::vector<Version>& held) {
  std::vector<AcceptedUpdate> spooled = state.accepted;
  // Of a head that is stored they may be overwritten: only their clearance was lost.
  if (!state.unstored.empty() && std::ranges::count(held, state.head->version) == 0) {
    spooled.insert(spooled.begin(), state.unstored.begin(), state.unstored.end());
  }
  return spooled;
}

}  // namespace

Result<std::uint64_t> VerifyVersion(CheckpointStore& store, Version version) {
  const auto manifest = store.ReadManifest(version);
  MUSTER_TRY(manifest);
  MUSTER_TRY(ModelLayoutOf(*manifest));
  const auto record = store.ReadRoundRecord(version);
  if ((!record && record.error().reason == Reason::not_found) ||
      (record && record->digest != manifest->digest)) {
    return Damage("the manifest of " + Named(version) + " is not the one that its record names");
  }
  MUSTER_TRY(record);
  MUSTER_TRY(StreamVersion(store, *manifest, manifest->total_bytes,
                           [](ByteSpan /*chunk*/) -> Status { return {}; }));
  return manifest->total_bytes;
}

Status VerifySpooled(Spool& spool, std::uint64_t bytes,
                     const std::vector<AcceptedUpdate>& updates) {
  std::uint32_t extent_count = 0;
  for (const AcceptedUpdate& update : updates) {
    extent_count = std::max(extent_count, update.extent.index + 1);
  }
  MUSTER_TRY(spool.Prepare(bytes, extent_count));
  for (const AcceptedUpdate& update : updates) MUSTER_TRY(CheckSpooled(spool, update, bytes));
  return {};
}

Result<VerifiedState> VerifyRecords(CheckpointStore& store) {
  const RecoveredState& state = store.recovered();
  VerifiedState verified;
  Ledger ledger(state.lineages);
  MUSTER_TRY(store.ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    ++verified.records;
    return ledger.Add(record);
  }));
  MUSTER_TRY(ledger.CheckFates(state.fates));
  verified.updates = ledger.update_count();
  return verified;
}

Result<VerifiedState> VerifyState(CheckpointStore& store, Spool* spool,
                                  const std::function<void(Version)>& progress) {
  auto verified = VerifyRecords(store);
  MUSTER_TRY(verified);
  for (const Version version : store.HeldVersions()) {
    progress(version);
    const auto bytes = VerifyVersion(store, version);
    MUSTER_TRY(bytes);
    verified->held.push_back(version);
    verified->chunk_bytes += *bytes;
  }
  if (spool == nullptr) return verified;
  const RecoveredState& state = store.recovered();
  const std::vector<AcceptedUpdate> spooled = SpooledOf(state, verified->held);
  if (spooled.empty()) return verified;
  const auto bytes = checkpoint::UpdateBytesOf(state);
  MUSTER_TRY(bytes);
  MUSTER_TRY(VerifySpooled(*spool, *bytes, spooled));
  verified->spooled_updates = spooled.size();
  return verified;
}

Result<VerifiedState> VerifyStateDirectory(CheckpointStore& store, const std::string& state_dir,
                                           const StateKey& key,
                                           const std::function<void(Version)>& progress) {
  const auto files = rocksdb::FileSystem::Default();
  auto in_use = checkpoint::IsInUse(state_dir);
  MUSTER_TRY(in_use);
  auto verified = VerifyState(store, nullptr, progress);
  MUSTER_TRY(verified);
  const std::vector<AcceptedUpdate> spooled = SpooledOf(store.recovered(), verified->held);
  if (*in_use || spooled.empty()) {
    verified->in_use = *in_use;
    return verified;
  }
  const auto read_spool = [&]() -> Status {
    auto spool = checkpoint::OpenSpoolToReadOn(files, state_dir, key);
    MUSTER_TRY(spool);
    const auto bytes = checkpoint::UpdateBytesOf(store.recovered());
    MUSTER_TRY(bytes);
    return VerifySpooled(**spool, *bytes, spooled);
  };
  const Status read = read_spool();
  if (!read) {
    // A coordinator that began its work meanwhile uses the extents anew.
    in_use = checkpoint::IsInUse(state_dir);
    MUSTER_TRY(in_use);
    if (!*in_use) return read.error();
    verified->in_use = true;
    return verified;
  }
  verified->spooled_updates = spooled.size();
  return verified;
}

}  // namespace muster
