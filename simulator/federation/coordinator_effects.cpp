// How the node performs what its core wants done.
#include <algorithm>
#include <cstring>
#include <utility>

#include "aggregation/version_builder.h"
#include "checkpoint/load.h"
#include "common/digest.h"
#include "coordinator/runtime/version_thread.h"
#include "model/staleness.h"
#include "simulator/federation/coordinator_node.h"

namespace muster::simulator {

using namespace muster::coordinator;  // NOLINT: every effect and event of the core.

namespace {

constexpr Micros kDiskMost = 4 * kMillisecond;
/// Longer than a round often takes: the next one's updates come, and its commit waits.
constexpr Micros kVersionMost = 600 * kMillisecond;
constexpr Micros kFoldMost = 3 * kMillisecond;
/// checkpoint/spool.h: extents begin at whole ones.
constexpr std::uint64_t kSpoolBlock = 4096;
constexpr Micros kEvaluationMost = 40 * kMillisecond;

/// REQUIRES: the name of a phase.
Phase PhaseFromName(const std::string& name) {
  for (int number = 0; number <= static_cast<int>(Phase::stopped); ++number) {
    const auto phase = static_cast<Phase>(number);
    if (PhaseName(phase) == name) return phase;
  }
  MUSTER_CHECK(false, "a notice of a phase without a name");
}

}  // namespace

// ---------------------------------------------------------------------------------------

void CoordinatorNode::Perform(Send& effect) {
  const Fence fence{1, epoch_};
  if (const auto* grant = std::get_if<Grant>(&effect.message); grant && grant->offset > 0) {
    ++world_.happened().transfers_resumed;
  }
  if (!network_.SendToClient(effect.link, {fence, std::move(effect.message), nullptr})) {
    events_.push_back(LinkGone{effect.link});
  }
}

void CoordinatorNode::Perform(const SendModelChunk& effect) {
  MUSTER_CHECK(effect.version == head_version_, "only head is sent");
  const ByteSpan bytes = head_->bytes().subspan(effect.offset, effect.bytes);
  Packet packet;
  packet.fence = {1, epoch_};
  packet.message = ModelChunk{effect.version, effect.offset, effect.bytes, Xxh64Of(bytes)};
  packet.payload = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  if (!network_.SendToClient(effect.link, std::move(packet))) {
    events_.push_back(LinkGone{effect.link});
  }
}

void CoordinatorNode::Perform(Persist& effect) {
  Later(store_worker_, kDiskMost, [this, effect = std::move(effect)] {
    if (Survives(store_->Write(effect.batch), PersistRefused{effect.token})) {
      observer_.Tell<&Watcher::OnWritten>(effect.batch);
      Feed(Persisted{effect.token});
    }
  });
}

void CoordinatorNode::Perform(const PrepareSpool& effect) {
  Later(store_worker_, setup_.prepare_ms * kMillisecond, [this, effect] {
    if (Survives(spool_->Prepare(effect.extent_bytes, effect.extent_count),
                 SpoolRefused{effect.token})) {
      spool_prepared_ = true;
      extent_bytes_ = (effect.extent_bytes + kSpoolBlock - 1) / kSpoolBlock * kSpoolBlock;
      const std::uint64_t life = life_;
      Feed(SpoolPrepared{effect.token});
      if (life == life_) RunFoldWork();
    }
  });
}

void CoordinatorNode::Perform(const SyncSpool& effect) {
  Later(store_worker_, kDiskMost, [this, effect] {
    if (Survives(spool_->Sync(), SpoolRefused{effect.token})) Feed(SpoolSynced{effect.token});
  });
}

void CoordinatorNode::Perform(const OpenUpload& effect) {
  const LaneSet lanes = *LanesOf(*strategy_, trainer_->layout());
  uploads_.insert_or_assign(effect.upload,
                            Upload{.extent = effect.extent.index,
                                   .bytes = effect.bytes,
                                   .checker = std::move(*UpdateChecker::Create(lanes.layout()))});
}

void CoordinatorNode::Perform(const StoreChunk& effect) {
  Worker& worker = extents_[uploads_.at(effect.upload).extent];
  Later(worker, kDiskMost, [this, effect] { FinishStore(effect); });
}

void CoordinatorNode::FinishStore(const StoreChunk& effect) {
  const Packet packet = std::move(payloads_.extract(effect.payload).mapped());
  const auto found = uploads_.find(effect.upload);
  if (found == uploads_.end() || found->second.rejected) return;
  Upload& upload = found->second;
  const Bytes& bytes = *packet.payload;
  MUSTER_CHECK(upload.stored == effect.offset, "chunks of an upload are stored in order");
  const bool matches = Xxh64Of(bytes) == effect.checksum;
  const Status checked = upload.checker.Add(bytes);
  // Bytes in the gaps are the core's to judge, as in coordinator/runtime/upload_workers.cpp.
  if (!matches || (!checked && checked.error().reason != Reason::malformed_message)) {
    upload.rejected = true;
    const Reason reason = matches ? checked.error().reason : Reason::checksum_mismatch;
    return Feed(ChunkRejected{effect.upload, reason});
  }
  const Event rejected = ChunkRejected{effect.upload, Reason::disk_full};
  if (!Survives(spool_->Write(upload.extent, effect.offset, bytes), rejected)) return;
  observer_.Tell<&Watcher::OnSpooled>(effect.upload, bytes);
  upload.stored += bytes.size();
  const bool whole = upload.stored == upload.bytes;
  if (whole && world_.telling()) {
    world_.Tell(actor_, "has the whole of " + std::get<UpdateChunk>(packet.message).id.Text());
  }
  UpdateSummary summary = upload.checker.Summary();
  const std::uint64_t life = life_;
  Feed(ChunkStored{effect.upload, effect.offset + effect.bytes});
  if (!whole || life != life_) return;
  Feed(UploadChecked{effect.upload, summary.digest, summary.gaps_zero, summary.tensor_max_abs});
}

// In order, and after a restart no fold before there is a spool to read.
void CoordinatorNode::RunFoldWork() {
  const std::uint64_t life = life_;
  while (life == life_ && !fold_work_.empty()) {
    if (fold_work_.front().reads_spool && !spool_prepared_) return;
    const std::function<void()> action = std::move(fold_work_.front().action);
    fold_work_.pop_front();
    action();
  }
}

void CoordinatorNode::FoldLater(bool reads_spool, std::function<void()> action) {
  Later(fold_worker_, kFoldMost, [this, reads_spool, action = std::move(action)] {
    fold_work_.push_back({reads_spool, action});
    RunFoldWork();
  });
}

void CoordinatorNode::Perform(const OpenSum& effect) {
  FoldLater(false, [this, effect] {
    if (!sum_) sum_.emplace(std::move(*LanesOf(*strategy_, trainer_->layout())));
    const RingCapacity capacity{WeightInSumMax(setup_.job), UpdatesInSumMax(setup_.job.round)};
    MUSTER_CHECK(sum_->Reset(effect.scales, capacity).has_value(), "the core's scales are sound");
  });
}

void CoordinatorNode::Perform(const Fold& effect) {
  FoldLater(true, [this, effect] { FinishFold(effect); });
}

void CoordinatorNode::FinishFold(const Fold& effect) {
  Bytes update(sum_->lanes().layout().total_bytes());
  const Status read = spool_->Read(effect.extent.index, 0, update);
  // A thread of the database may have met the power cut first.
  if (!volume_->powered()) return static_cast<void>(Survives(read, Tick{}));
  const bool whole = read.has_value() && Xxh128Of(update) == effect.digest;
  const Flips& flips = world_.flips();
  const std::uint64_t begin = extent_bytes_ * effect.extent.index;
  // An encrypted spool says so itself, and lies there in another form.
  spool_rotted_ =
      !whole && (read ? flips.ExplainSpool(begin, update.size()) : flips.Any(FlippedIn::spool));
  if (spool_rotted_) {
    return Feed(BuildFailed{{Reason::damage, "the bytes of " + effect.id.Text() + " differ"}});
  }
  world_.Expect(whole, "the spool lost bytes of " + effect.id.Text() + ", which is accepted");
  const UpdateSource source{[&update](std::uint64_t offset, MutableByteSpan bytes) -> Status {
                              std::memcpy(bytes.data(), update.data() + offset, bytes.size());
                              return {};
                            },
                            effect.weight, effect.factor};
  if (!world_.violations().empty()) return;
  MUSTER_CHECK(sum_->Fold({&source, 1}, pool_).has_value(), "a checked update can be folded");
  Feed(Folded{effect.id});
}

void CoordinatorNode::Perform(const coordinator::BuildVersion& effect) {
  FoldLater(false, [this, effect] { FinishBuild(effect); });
}

void CoordinatorNode::FinishBuild(const coordinator::BuildVersion& effect) {
  auto next = std::make_shared<ParameterSet>(head_->layout());
  const VersionInputs inputs{*strategy_, *head_, *sum_, effect.version, FullFactor(setup_.job)};
  auto built = ::muster::BuildVersion(inputs, pool_, *next);
  MUSTER_CHECK(built.has_value(), "a version of checked updates can be built");
  built_ = next;
  Feed(VersionBuilt{std::move(built->manifest), built->model_digest});
}

void CoordinatorNode::Perform(const coordinator::StoreVersion& effect) {
  // As coordinator/runtime/fold_thread.h, Contents.
  const bool is_built = built_ != nullptr && effect.version > head_version_;
  Later(version_worker_, kVersionMost, [this, effect, contents = is_built ? built_ : head_] {
    if (Survives(WriteVersion(*store_, effect.version, *contents),
                 VersionStoreRefused{effect.version})) {
      Feed(VersionStored{effect.version});
    }
  });
}

void CoordinatorNode::Perform(const DropVersion& effect) {
  Later(version_worker_, kDiskMost, [this, effect] {
    if (Survives(store_->DropVersion(effect.version), VersionDropped{effect.version, false})) {
      Feed(VersionDropped{effect.version, true});
    }
  });
}

void CoordinatorNode::Perform(const AdvanceHead& effect) {
  MUSTER_CHECK(built_ != nullptr, "a version became head unbuilt");
  head_ = std::exchange(built_, nullptr);
  head_version_ = effect.version;
}

void CoordinatorNode::Perform(const Evaluate& effect) {
  const std::shared_ptr<const ParameterSet> head =
      effect.version == head_version_ ? head_ : nullptr;
  Later(evaluator_, kEvaluationMost, [this, effect, head] {
    ParameterSet model(trainer_->layout());
    if (head != nullptr) {
      std::memcpy(model.bytes().data(), head->bytes().data(), model.bytes().size());
    } else if (const Status loaded = LoadStored(effect.version, &model); !loaded) {
      return FailToEvaluate(loaded.error());
    }
    const auto judged = trainer_->Evaluate(model, {});
    MUSTER_CHECK(judged.has_value(), "the synthetic trainer cannot fail");
    Feed(Evaluated{{effect.version, judged->examples, judged->loss, judged->accuracy}});
  });
}

// As coordinator/runtime/evaluator.cpp: of another version than head.
Status CoordinatorNode::LoadStored(Version version, ParameterSet* model) {
  const auto manifest = store_->ReadManifest(version);
  MUSTER_TRY(manifest);
  auto loaded = LoadModel(*store_, *manifest);
  MUSTER_TRY(loaded);
  *model = std::move(*loaded);
  return {};
}

// The process ends, as with a failed thread of the runtime.
void CoordinatorNode::FailToEvaluate(const Error& error) {
  if (!volume_->powered()) return static_cast<void>(Survives(error, Tick{}));
  if (error.reason == Reason::damage) return StopForDamage(error.Text());
  world_.Violate("a version that is to be evaluated cannot be read: " + error.Text());
}

void CoordinatorNode::Perform(const Notice& effect) {
  if (world_.telling()) TellOf(effect);
  if (effect.kind == NoticeKind::phase_entered) {
    const std::lock_guard guard(plan_mutex_);
    phase_ = PhaseFromName(effect.text);
  }
  if (effect.kind == NoticeKind::attempt_opened) Progress(head_version_, effect.attempt);
  if (effect.kind == NoticeKind::version_committed) {
    observer_.announced = std::max(observer_.announced, effect.version);
    Progress(std::max(effect.version, head_version_), 1);
  }
  if (effect.kind !=
      (setup_.options.evaluate ? NoticeKind::version_evaluated : NoticeKind::version_committed)) {
    return;
  }
  world_.Expect(effect.version == reported_ + 1, "version " + std::to_string(effect.version) +
                                                     " is reported after " +
                                                     std::to_string(reported_));
  reported_ = effect.version;
}

void CoordinatorNode::Perform(const Stop& effect) {
  if (effect.reason == Reason::damage && (spool_rotted_ || world_.flips().any()))
    return StopForDamage(effect.text);
  // Without those who were thrown out a hostile one may be needed for the quorum.
  const bool needs_hostile = !world_.faults().hostile.empty() && observer_.roster_changed;
  gave_up_ = (effect.reason == Reason::attempts_exhausted && setup_.options.attempts_max > 0) ||
             (effect.reason == Reason::bound_exhausted && needs_hostile);
  world_.Expect(
      effect.reason == Reason::finished || effect.reason == Reason::draining || gave_up_,
      "the coordinator stops: " + std::string(ReasonName(effect.reason)) + ": " + effect.text);
  finished_ = effect.reason != Reason::draining;
  StartLater();
}

}  // namespace muster::simulator
