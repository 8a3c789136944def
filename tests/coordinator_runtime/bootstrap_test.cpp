#include "coordinator/runtime/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "aggregation/version.h"
#include "checkpoint/copy_version.h"
#include "common/file.h"
#include "model/safetensors.h"
#include "tests/coordinator_runtime/memory_store.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "tests/support/temp_dir.h"

namespace muster::coordinator {
namespace {

using muster::testing::RosterOf;
using muster::testing::SyntheticJob;

class BootstrapTest : public ::testing::Test {
 protected:
  Result<Bootstrapped> TryStart(const JobSpec& job) {
    store_ = disk_.OpenStore();
    spool_ = disk_.OpenSpool();
    auto trainer = CreateTrainer(job, 0, {});
    EXPECT_TRUE(trainer.has_value());
    return Bootstrap(*store_, *spool_, job, {11, ++epoch_nonce_}, {**trainer, initial_model_},
                     *CreateStrategy(job));
  }
  Bootstrapped Start(const JobSpec& job) {
    Result<Bootstrapped> start = TryStart(job);
    EXPECT_TRUE(start.has_value()) << start.error().Text();
    return start ? std::move(*start) : Bootstrapped{};
  }
  Error StartError(const JobSpec& job) {
    const Result<Bootstrapped> start = TryStart(job);
    EXPECT_FALSE(start.has_value());
    return start ? Error{} : start.error();
  }

  JobSpec job_ = SyntheticJob(3);
  muster::testing::MemoryDisk disk_;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<Spool> spool_;
  std::uint64_t epoch_nonce_ = 20;
  std::string initial_model_;
};

TEST_F(BootstrapTest, AFileOfWeightsBecomesVersionZero) {
  const TempDir dir;
  auto trainer = CreateTrainer(job_, 0, {});
  ASSERT_TRUE(trainer.has_value());
  ParameterSet model = (*trainer)->InitialParameters();
  model.F32(0)[5] = 0.25F;
  initial_model_ = dir.path() + "/weights.safetensors";
  ASSERT_TRUE(WriteSafetensors(initial_model_, model, {}).has_value());
  const Bootstrapped start = Start(job_);
  EXPECT_EQ(start.head.F32(0)[5], 0.25F);
  // A later start goes on from what is stored: the file may be gone.
  initial_model_ = dir.path() + "/gone.safetensors";
  EXPECT_EQ(Start(job_).head.F32(0)[5], 0.25F);
}

TEST_F(BootstrapTest, AFileThatIsNotTheJobsModelStartsNothing) {
  const TempDir dir;
  initial_model_ = dir.path() + "/weights.safetensors";
  auto layout = ParameterLayout::Create({{"parameters", DType::f32, {7}}});
  ASSERT_TRUE(layout.has_value());
  ASSERT_TRUE(WriteSafetensors(initial_model_, ParameterSet(*layout), {}).has_value());
  EXPECT_EQ(StartError(job_).reason, Reason::config_invalid);
  EXPECT_FALSE(disk_.state().job.has_value());
}

TEST_F(BootstrapTest, AChangedJobIsRefusedNamingEachKey) {
  Start(job_);
  JobSpec changed = job_;
  changed.round.quorum = 2;
  changed.train.learning_rate = 0.05;  // A synthetic job has no use for it.
  changed.strategy.server_momentum = 0.5;
  changed.model.parameters = 2000;
  const Error error = StartError(changed);
  EXPECT_EQ(error.reason, Reason::config_changed);
  EXPECT_EQ(error.message,
            "the job is not the one this state directory was made for: model.parameters was 1000 "
            "and is 2000; round.quorum was 3 and is 2; strategy.server_momentum was 0 and is 0.5. "
            "Change it back, or use a new state directory");
  EXPECT_EQ(disk_.state().epoch.starts, 1U);  // A refused start is none.
}

TEST_F(BootstrapTest, EveryFieldOfAJobIsNamedWhenItChanges) {
  JobSpec other;
  other.name = "x";
  other.seed = 9;
  other.model = {ModelKind::synthetic, {1}, 5};
  other.data = {DataSource::none, 3, Partition::shards, 4, 5, 6, 0.7, DataAccess::elastic, 8};
  other.train = {2, 3, 4, 0.5, Optimizer::adamw, 0.6, 0.7, 0.8, 0.9, 7};
  other.round = {Mode::async, SelectFrom::present, 2, 1,   1.5, LatePolicy::fold, Accept::memory,
                 3,           Staleness::hinge,    4, 0.6, 5};
  other.strategy = {StrategyKind::custom, 0.5, 0.6, 0.7, 0.8, 0.9, 0.1, "mine"};
  other.aggregation = {WeightPolicy::uniform, 5, 6};
  const auto changes = DescribeJobChanges(JobSpec{}, other);
  EXPECT_EQ(changes.size(), 46U) << ::testing::PrintToString(changes);
}

TEST_F(BootstrapTest, TheFirstStartWritesOneSyncedBatchAfterTheChunks) {
  int batches = 0;
  disk_.OnWrite([&](const Batch& batch) {
    ++batches;
    EXPECT_TRUE(batch.sync);
    EXPECT_EQ(batch.mutations.size(), 5U);
  });
  const Bootstrapped start = Start(job_);
  EXPECT_EQ(batches, 1);
  EXPECT_TRUE(start.first_start);
  EXPECT_EQ(start.state.epoch.epoch, (Epoch{1, 21}));
  EXPECT_EQ(start.state.lineages.front().id, (LineageId{1, 11}));
  EXPECT_EQ(start.state.head->version, 0U);
  EXPECT_EQ(start.state.last_record->digest, start.state.head->digest);
  const auto manifest = DescribeVersion(start.head, start.state.head->model_tensor_count, 0);
  ASSERT_TRUE(manifest.has_value());
  EXPECT_EQ(manifest->digest, start.state.head->digest);
}

TEST_F(BootstrapTest, AStartThatDiesBeforeItsBatchLeavesAFirstStart) {
  disk_.FailWrites(Error{Reason::io_failed, "the disk is gone"});
  EXPECT_EQ(StartError(job_).reason, Reason::io_failed);
  disk_.FailWrites({});
  EXPECT_TRUE(Start(job_).first_start);
}

TEST_F(BootstrapTest, ALaterStartBumpsTheEpochAndFindsTheHead) {
  const Bootstrapped first = Start(job_);
  const Bootstrapped second = Start(job_);
  EXPECT_FALSE(second.first_start);
  EXPECT_EQ(second.state.epoch.epoch, (Epoch{2, 22}));
  EXPECT_EQ(second.state.past_epochs, (std::vector<Epoch>{{1, 21}}));
  EXPECT_EQ(disk_.state().past_epochs, second.state.past_epochs);
  EXPECT_EQ(second.state.epoch.starts, 2U);
  EXPECT_EQ(disk_.state().epoch.epoch, (Epoch{2, 22}));
  EXPECT_EQ(second.state.lineages.front().id, first.state.lineages.front().id);
  EXPECT_TRUE(std::ranges::equal(second.head.bytes(), first.head.bytes()));
  EXPECT_EQ(second.model_digest, first.model_digest);
}

TEST_F(BootstrapTest, AnEpochThatCannotBeSyncedIsNotSpokenUnder) {
  Start(job_);
  disk_.FailWrites(Error{Reason::disk_full, "no space"});
  EXPECT_EQ(StartError(job_).reason, Reason::disk_full);
}

TEST_F(BootstrapTest, ParticipantsEnrolledBeforehandAreKept) {
  store_ = disk_.OpenStore();
  for (const RosterEntry& entry : RosterOf(2)) {
    ASSERT_TRUE(store_->Write({{PutRosterEntry{entry}}}).has_value());
  }
  EXPECT_EQ(Start(job_).state.roster.size(), 2U);
}

TEST_F(BootstrapTest, MomentumBeginsAsZerosBehindTheModel) {
  job_.strategy.server_momentum = 0.9;
  const Bootstrapped start = Start(job_);
  const VersionManifest& head = *start.state.head;
  EXPECT_EQ(head.tensors.size(), 2U);
  EXPECT_EQ(head.model_tensor_count, 1U);
  EXPECT_LT(head.model_bytes, head.total_bytes);
  for (const float value : start.head.F32(1)) ASSERT_EQ(value, 0.0F);
}

TEST_F(BootstrapTest, NoUpdateOfAsyncReachesOverACopyOfOlderContent) {
  job_.round.mode = Mode::async;
  job_.round.select_from = SelectFrom::present;
  job_.round.staleness = Staleness::constant;
  job_.round.staleness_max = 1;
  EXPECT_EQ(Start(job_).oldest_base, 0U);
  ASSERT_TRUE(CommitCopy(*disk_.OpenStore(), {.source = 0}).has_value());
  EXPECT_EQ(Start(job_).oldest_base, 1U);
  ASSERT_TRUE(CommitCopy(*disk_.OpenStore(), {.source = 0}).has_value());
  EXPECT_EQ(Start(job_).oldest_base, 2U);
}

// Of the versions within reach, but not over a copy.
TEST_F(BootstrapTest, TheRecordsSayWhatMayStillComeLate) {
  job_.round.late = LatePolicy::fold;
  job_.round.staleness_max = 2;
  EXPECT_TRUE(Start(job_).unfinished.empty());
  // Versions with the content of the first one.
  const auto commit = [this](Version version, std::vector<Slot> unfinished) {
    const auto store = disk_.OpenStore();
    auto manifest = store->ReadManifest(0);
    ASSERT_TRUE(manifest.has_value());
    const auto chunk = store->ReadVersionChunk(*manifest, 0);
    ASSERT_TRUE(chunk.has_value());
    auto writer = store->BeginVersion(version);
    ASSERT_TRUE(writer.has_value() && (*writer)->Append(*chunk) && (*writer)->Finish());
    manifest->version = version;
    RoundRecord record;
    record.round = record.version = version;
    record.parent = version - 1;
    record.lineage = 1;
    record.accepted.push_back({.id = {1, version, 0, 0}, .weight = 1});
    record.unfinished = std::move(unfinished);
    record.digest = manifest->digest;
    ASSERT_TRUE(store->Write({{PutVersion{*manifest}, PutRoundRecord{record}}}).has_value());
  };
  commit(1, {0});
  commit(2, {1, 2});
  commit(3, {});
  const std::vector<UnfinishedRound> found = Start(job_).unfinished;
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].round, 3U);
  EXPECT_TRUE(found[0].slots.empty());
  EXPECT_EQ(found[1].round, 2U);
  EXPECT_EQ(found[1].parent, 1U);
  EXPECT_EQ(found[1].slots, (std::vector<Slot>{1, 2}));
  ASSERT_TRUE(CommitCopy(*disk_.OpenStore(), {.source = 2}).has_value());
  EXPECT_TRUE(Start(job_).unfinished.empty());
}

TEST_F(BootstrapTest, VersionsWithoutAJobAreDamage) {
  store_ = disk_.OpenStore();
  ASSERT_TRUE(store_->Write({{PutVersion{VersionManifest{}}}}).has_value());
  EXPECT_EQ(StartError(job_).reason, Reason::damage);
}

TEST_F(BootstrapTest, TensorsOfAnotherBuildAreUnsupported) {
  Start(job_);
  VersionManifest other = *disk_.state().head;
  other.tensors.front().name = "renamed";
  ASSERT_TRUE(store_->Write({{PutVersion{other}}}).has_value());
  EXPECT_EQ(StartError(job_).reason, Reason::unsupported);
}

}  // namespace
}  // namespace muster::coordinator
