#include "tests/simulator/stored_run.h"

#include <gtest/gtest.h>

#include <set>

#include "common/digest.h"
#include "coordinator/core/core.h"
#include "simulator/disk/file_system.h"
#include "simulator/federation/federation.h"
#include "tests/simulator/small_setup.h"

namespace muster::simulator {
namespace {

constexpr Micros kPatience = 3'600'000 * kMillisecond;
constexpr Micros kShort = 10'000 * kMillisecond;
/// A file of this model's chunks is longer than any other of the database.
constexpr std::uint64_t kVersionFileBytesMin = 70'000;

CoordinatorSetup SetupIn(const std::string& state_dir) {
  CoordinatorSetup setup = SmallSetup(state_dir, StoredRun::kRounds);
  setup.job.strategy.server_momentum = 0.5;
  setup.options.retention = {0, 0};
  return setup;
}

}  // namespace

StoredRun::StoredRun(End end) {
  const CoordinatorSetup setup = SetupIn(state_dir_.path());
  job_ = setup.job;
  Federation federation(1, Faults{}, setup);
  disk_ = federation.shared_disk();
  bool cut = false;
  if (end == End::unstored) {
    disk_->SetUnsynced(Unsynced::kept);
    disk_->SetPlan([&cut](const PlannedOperation& planned) {
      const bool storing = planned.path.find("stage/version-5") != std::string::npos;
      cut = cut || storing;
      return storing ? Verdict::cut_before : Verdict::done;
    });
  }
  // A coordinator that dies at each try to store version 5 gets no further.
  const bool finished = federation.Run(end == End::finished ? kPatience : kShort).finished;
  EXPECT_EQ(finished, end == End::finished);
  EXPECT_EQ(cut, end == End::unstored);
  disk_->SetPlan({});
  disk_->Restart();
}

checkpoint::FileSystemPtr StoredRun::Mounted() const { return Mount(disk_); }

std::unique_ptr<CheckpointStore> StoredRun::Open(OpenMode mode) const {
  auto store = checkpoint::OpenCheckpointStoreOn(Mounted(), state_dir(), mode);
  EXPECT_TRUE(store.has_value()) << store.error().Text();
  return store ? std::move(*store) : nullptr;
}

Error StoredRun::OpenError() const {
  const auto store =
      checkpoint::OpenCheckpointStoreOn(Mounted(), state_dir(), OpenMode::create_or_open);
  return store ? Error{Reason::internal, "the state opens"} : store.error();
}

std::unique_ptr<Spool> StoredRun::OpenSpool() const {
  auto spool = checkpoint::OpenSpoolOn(Mounted(), state_dir());
  EXPECT_TRUE(spool.has_value()) << spool.error().Text();
  return spool ? std::move(*spool) : nullptr;
}

Result<VerifiedState> StoredRun::Verify() const {
  auto store = checkpoint::OpenCheckpointStoreOn(Mounted(), state_dir(), OpenMode::read_only);
  if (!store) return store.error();
  const auto spool = OpenSpool();
  return VerifyState(**store, spool.get(), [](Version) {});
}

Result<coordinator::Replayed> StoredRun::Replay() const {
  return coordinator::ReplayVersions(*Open(OpenMode::read_only), job_, {}, [](Version) {});
}

void StoredRun::StoreStepsJob() const {
  JobSpec steps = job_;
  steps.round.mode = Mode::sync_sgd;
  steps.round.accept = Accept::durable;
  const Status valid = ValidateJob(steps);
  EXPECT_TRUE(valid.has_value()) << valid.error().Text();
  const auto store = Open(OpenMode::create_or_open);
  EXPECT_TRUE(store->Write({{PutJob{{EncodeJob(steps), JobDigest(steps), true}}}}).has_value());
}

std::vector<AcceptedUpdate> StoredRun::OpenRoundWithUpdates() const {
  const auto store = Open(OpenMode::create_or_open);
  const auto spool = OpenSpool();
  const RecoveredState& state = store->recovered();
  const Version head = state.head->version;
  const std::uint64_t bytes = state.head->model_bytes;
  EXPECT_TRUE(spool->Prepare(bytes, coordinator::SpoolExtentCount(job_)).has_value());
  OpenRound open{.round = head + 1, .parent = head, .eligible = {0, 1, 2}};
  open.first_drawn = open.cohort = {0, 1, 2};
  Batch batch{{PutOpenRound{open}}};
  if (state.finish) batch.mutations.push_back(ClearFinish{});
  std::vector<AcceptedUpdate> updates;
  for (Slot slot = 0; slot < 2; ++slot) {
    const Bytes content(bytes, static_cast<std::byte>(slot + 1));
    AcceptedUpdate update{
        .id = {1, head + 1, slot, 0}, .counts_in = head + 1, .weight = 1, .base_version = head};
    update.digest = Xxh128Of(content);
    update.from = slot;
    update.extent.index = slot + 3;  // The first three may be an unstored head's.
    EXPECT_TRUE(spool->Write(update.extent.index, 0, content).has_value());
    batch.mutations.push_back(PutAccepted{update});
    updates.push_back(update);
  }
  EXPECT_TRUE(spool->Sync().has_value());
  EXPECT_TRUE(store->Write(batch).has_value());
  return updates;
}

std::string StoredRun::FileOf(Version version) const {
  Version at = 0;
  for (const auto& [path, bytes] : disk_->Files()) {
    if (!path.ends_with(".sst") || bytes < kVersionFileBytesMin) continue;
    if (at++ == version) return path;
  }
  ADD_FAILURE() << "no file of version " << version;
  return "";
}

std::size_t StoredRun::VersionFileCount() const {
  return static_cast<std::size_t>(std::ranges::count_if(disk_->Files(), [](const auto& file) {
    return file.first.ends_with(".sst") && file.second >= kVersionFileBytesMin;
  }));
}

std::string StoredRun::LiveLog() const {
  std::string newest;
  for (const auto& [path, bytes] : disk_->Files()) {
    if (path.ends_with(".log")) newest = path;
  }
  EXPECT_FALSE(newest.empty());
  return newest;
}

void StoredRun::Remove(const std::string& path) const {
  ASSERT_EQ(disk_->Remove(disk_->life(), path), DiskError::none) << path;
  disk_->SyncDirectory(disk_->life(), path.substr(0, path.rfind('/')));
}

std::shared_ptr<VirtualDisk> StoredRun::CloneDisk() const {
  auto copy = std::make_shared<VirtualDisk>(1);
  std::set<std::string> directories = {state_dir(), Path("stage")};
  for (const auto& [path, bytes] : disk_->Files()) {
    directories.insert(path.substr(0, path.rfind('/')));
  }
  for (const std::string& directory : directories) copy->MakeDurableDirectory(directory);
  for (const auto& [path, bytes] : disk_->Files()) {
    VirtualDisk::InodePtr from;
    VirtualDisk::InodePtr to;
    Bytes content;
    disk_->OpenFile(disk_->life(), path, VirtualDisk::Open::existing, &from);
    disk_->Read(disk_->life(), from, 0, bytes, &content);
    copy->OpenFile(copy->life(), path, VirtualDisk::Open::create, &to);
    copy->Write(copy->life(), path, to, 0, content);
    copy->Sync(copy->life(), path, to, DiskOperation::sync);
  }
  for (const std::string& directory : directories) {
    copy->SyncDirectory(copy->life(), directory);
  }
  return copy;
}

}  // namespace muster::simulator
