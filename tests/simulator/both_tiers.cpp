#include "tests/simulator/both_tiers.h"

#include <functional>
#include <utility>

#include "protocol/record_codec.h"

namespace muster::simulator {
namespace {

/// Above head this many versions are looked for: those that a crash left must not be there.
constexpr Version kLookAbove = 3;

void AppendBytes(std::string* text, std::string_view name, ByteSpan bytes) {
  *text += std::string(name) + ' ' + std::to_string(bytes.size()) + ' ';
  *text += AsText(bytes);
}

template <typename Record>
void Append(std::string* text, std::string_view name, const std::optional<Record>& record) {
  if (record) AppendBytes(text, name, EncodeRecord(*record));
}

template <typename Record>
void Append(std::string* text, std::string_view name, const std::vector<Record>& records) {
  for (const Record& record : records) AppendBytes(text, name, EncodeRecord(record));
}

std::string Outcome(const Status& status) {
  return status ? "success" : std::string(ReasonName(status.error().reason));
}

}  // namespace

std::string TextOf(const RecoveredState& state) {
  std::string text;
  Append(&text, "job", state.job);
  AppendBytes(&text, "epoch", EncodeRecord(state.epoch));
  Append(&text, "past epoch", state.past_epochs);
  Append(&text, "lineage", state.lineages);
  Append(&text, "roster", state.roster);
  Append(&text, "head", state.head);
  Append(&text, "record", state.last_record);
  Append(&text, "open", state.open_round);
  Append(&text, "accepted", state.accepted);
  Append(&text, "unstored", state.unstored);
  Append(&text, "fate", state.fates);
  Append(&text, "evaluation", state.evaluations);
  Append(&text, "finish", state.finish);
  return text;
}

BothTiers::BothTiers(std::uint64_t seed, const std::string& state_dir)
    : disk_(std::make_shared<ModelDisk>(seed)) {
  real_.volume = std::make_shared<DiskVolume>(std::make_shared<VirtualDisk>(seed), state_dir,
                                              checkpoint::Upkeep::by_hand, StateKey());
  model_.volume = std::make_shared<ModelVolume>(disk_);
}

// --- Lives ---------------------------------------------------------------------------------------

void BothTiers::OpenTier(Tier* tier) {
  auto store = tier->volume->OpenStore(OpenMode::create_or_open);
  if (!store) return Differ("an open fails: " + store.error().Text());
  tier->store = std::move(*store);
  auto spool = tier->volume->OpenSpool();
  if (!spool) return Differ("the spool does not open: " + spool.error().Text());
  tier->spool = std::move(*spool);
  const Status prepared = tier->spool->Prepare(extent_bytes_, extent_count_);
  if (!prepared) Differ("the spool is not prepared: " + prepared.error().Text());
}

void BothTiers::CloseTier(Tier* tier) {
  tier->store.reset();
  tier->spool.reset();
}

void BothTiers::Open() {
  OpenTier(&real_);
  OpenTier(&model_);
  if (!differs_) Compare("after an open");
}

void BothTiers::Close() {
  CloseTier(&real_);
  CloseTier(&model_);
}

void BothTiers::Cut(Unsynced unsynced) {
  const Bytes before = disk_->spool.durable();
  const Bytes after = SpoolOf(model_);
  std::vector<BatchState> allowed = {disk_->durable};
  for (const Batch& batch : disk_->unsynced) {
    allowed.push_back(allowed.back());
    allowed.back().Apply(batch);
  }
  for (Tier* tier : {&real_, &model_}) {
    // The process is still there when its machine goes.
    tier->volume->CutPower(unsynced);
    CloseTier(tier);
    tier->volume->Restart();
  }
  if (unsynced != Unsynced::mixed) return Open();
  OpenTier(&real_);
  if (differs_) return;
  const std::size_t left = FollowBatches(allowed, "after a mixed cut");
  if (allowed.size() > 1) {
    ++(left == 0 ? cuts_to_none : left + 1 == allowed.size() ? cuts_to_all : cuts_to_some);
  }
  FollowSpool(before, after, "after a mixed cut");
  OpenTier(&model_);
  if (!differs_) Compare("after a mixed cut");
}

std::size_t BothTiers::FollowBatches(const std::vector<BatchState>& allowed,
                                     const std::string& when) {
  const std::string found = TextOf(real_.store->recovered());
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (TextOf(allowed[i].state()) != found) continue;
    disk_->now = disk_->durable = allowed[i];
    disk_->unsynced.clear();
    return i;
  }
  Differ(when + " the real store has a state that the model does not allow");
  return 0;
}

void BothTiers::FollowSpool(const Bytes& before, const Bytes& after, const std::string& when) {
  const Bytes found = SpoolOf(real_);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == after[i] || found[i] == before[i]) continue;
    return Differ(when + " byte " + std::to_string(i) + " of the spool is neither old nor new");
  }
  disk_->spool.Write(0, found);
  disk_->spool.Sync();
}

// --- Operations ----------------------------------------------------------------------------------

bool BothTiers::Same(const Status& real, const Status& model, const std::string& what) {
  if (Outcome(real) != Outcome(model)) {
    Differ(what + ": the real one says " + (real ? "success" : real.error().Text()) +
           ", the model " + (model ? "success" : model.error().Text()));
  }
  return real.has_value();
}

void BothTiers::Write(const Batch& batch) {
  Same(real_.store->Write(batch), model_.store->Write(batch), "a batch");
}

void BothTiers::StoreVersion(Version version, const std::vector<Bytes>& chunks, bool finish) {
  const auto store = [&](Tier& tier) -> Status {
    auto writer = tier.store->BeginVersion(version);
    MUSTER_TRY(writer);
    for (const Bytes& chunk : chunks) MUSTER_TRY((*writer)->Append(chunk));
    return finish ? (*writer)->Finish() : Status();
  };
  // An unfinished version may meet a full disk before its end, or not.
  const Status real = store(real_);
  const Status model = store(model_);
  if (finish) Same(real, model, "version " + std::to_string(version));
}

void BothTiers::DropVersion(Version version) {
  Same(real_.store->DropVersion(version), model_.store->DropVersion(version),
       "the removal of version " + std::to_string(version));
}

void BothTiers::RunUpkeep() {
  Same(real_.volume->RunUpkeep(*real_.store), model_.volume->RunUpkeep(*model_.store), "upkeep");
}

void BothTiers::PrepareSpool(std::uint64_t extent_bytes, std::uint32_t extent_count) {
  extent_bytes_ = extent_bytes;
  extent_count_ = extent_count;
  Same(real_.spool->Prepare(extent_bytes, extent_count),
       model_.spool->Prepare(extent_bytes, extent_count), "a spool to grow");
}

void BothTiers::WriteSpool(std::uint32_t extent, std::uint64_t offset, const Bytes& bytes) {
  Same(real_.spool->Write(extent, offset, bytes), model_.spool->Write(extent, offset, bytes),
       "a write to the spool");
}

void BothTiers::SyncSpool() { Same(real_.spool->Sync(), model_.spool->Sync(), "a spool's sync"); }

void BothTiers::SetFull(bool full) {
  real_.volume->SetFull(full);
  model_.volume->SetFull(full);
}

void BothTiers::Fail(VolumeOperation operation, const std::function<void()>& act) {
  std::vector<BatchState> allowed = {disk_->now};
  real_.volume->FailNext(operation);
  model_.volume->FailNext(operation);
  act();
  if (differs_) return;
  allowed.push_back(disk_->now);
  Close();
  OpenTier(&real_);
  if (differs_) return;
  FollowBatches(allowed, "after a failure");
  OpenTier(&model_);
  // Of the spool nothing is known but that a cut leaves what an earlier sync covered.
  if (!differs_) Cut(Unsynced::lost);
}

// --- Comparisons ---------------------------------------------------------------------------------

void BothTiers::Differ(const std::string& how) {
  if (!std::exchange(differs_, true)) ADD_FAILURE() << how;
}

Bytes BothTiers::SpoolOf(const Tier& tier) {
  Bytes bytes(extent_bytes_ * extent_count_);
  for (std::uint32_t i = 0; i < extent_count_; ++i) {
    const MutableByteSpan extent = MutableByteSpan(bytes).subspan(extent_bytes_ * i, extent_bytes_);
    const Status read = tier.spool->Read(i, 0, extent);
    if (!read) Differ("the spool cannot be read: " + read.error().Text());
  }
  return bytes;
}

void BothTiers::CompareSpool(const std::string& when) {
  if (SpoolOf(real_) != SpoolOf(model_)) Differ(when + " the spools hold different bytes");
}

void BothTiers::CompareVersions(const std::string& when) {
  const Version last = state().head().value_or(0) + kLookAbove;
  for (Version version = 0; version <= last && !differs_; ++version) {
    const auto real = real_.store->ReadManifest(version);
    const auto model = model_.store->ReadManifest(version);
    const std::string name = when + " version " + std::to_string(version);
    if (real.has_value() != model.has_value()) return Differ(name + " is named by one of them");
    if (!real) continue;
    for (std::uint32_t i = 0; i <= real->chunk_digests.size(); ++i) {
      const auto real_chunk = real_.store->ReadVersionChunk(*real, i);
      const auto model_chunk = model_.store->ReadVersionChunk(*model, i);
      const bool same = real_chunk.has_value() == model_chunk.has_value() &&
                        (real_chunk ? *real_chunk == *model_chunk
                                    : real_chunk.error().reason == model_chunk.error().reason);
      if (!same) return Differ(name + " has different chunks");
    }
  }
}

void BothTiers::Compare(const std::string& when) {
  if (TextOf(real_.store->recovered()) != TextOf(model_.store->recovered())) {
    return Differ(when + " the recovered states differ");
  }
  const auto real_now = real_.store->ReadState();
  const auto model_now = model_.store->ReadState();
  if (!real_now || !model_now || TextOf(*real_now) != TextOf(*model_now)) {
    return Differ(when + " the states that are read differ");
  }
  if (real_.store->HeldVersions() != model_.store->HeldVersions()) {
    return Differ(when + " other versions are held");
  }
  const auto records = [](CheckpointStore& store) {
    std::string text;
    const Status read = store.ForEachRoundRecord([&](const RoundRecord& record) -> Status {
      AppendBytes(&text, "record", EncodeRecord(record));
      return {};
    });
    return Outcome(read) + text;
  };
  if (records(*real_.store) != records(*model_.store)) return Differ(when + " records differ");
  CompareVersions(when);
  CompareSpool(when);
}

}  // namespace muster::simulator
