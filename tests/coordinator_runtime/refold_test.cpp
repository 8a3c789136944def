// Starts whose head was committed but not stored: it follows from its parent, its record and the
// spool.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "aggregation/scales.h"
#include "aggregation/version_builder.h"
#include "common/digest.h"
#include "coordinator/core/core.h"
#include "coordinator/runtime/bootstrap.h"
#include "tests/coordinator_runtime/memory_store.h"
#include "tests/coordinator_runtime/sample_jobs.h"

namespace muster::coordinator {
namespace {

using muster::testing::SyntheticJob;

/// A disk with version 0 stored and version 1 committed, and the starts on it.
class RefoldTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kUpdates = 3;

  void SetUp() override {
    job_.strategy.server_momentum = 0.9;
    const Bootstrapped first = Start();
    spool_bytes_ = (*CreateTrainer(job_, 0, {}))->layout().total_bytes();
    ASSERT_TRUE(spool_->Prepare(spool_bytes_, SpoolExtentCount(job_)).has_value());
    CommitUnstored(first);
  }

  Result<Bootstrapped> TryStart() {
    store_ = disk_.OpenStore();
    spool_ = disk_.OpenSpool();
    auto trainer = CreateTrainer(job_, 0, {});
    EXPECT_TRUE(trainer.has_value());
    return Bootstrap(*store_, *spool_, job_, {11, ++epoch_nonce_}, {**trainer, ""},
                     *CreateStrategy(job_));
  }
  Bootstrapped Start() {
    Result<Bootstrapped> start = TryStart();
    EXPECT_TRUE(start.has_value()) << start.error().Text();
    return start ? std::move(*start) : Bootstrapped{};
  }
  /// Why a start fails; and that it changed nothing.
  Error StartError() {
    const RecoveredState before = disk_.state();
    const Result<Bootstrapped> start = TryStart();
    EXPECT_FALSE(start.has_value()) << "it starts";
    const RecoveredState after = disk_.state();
    EXPECT_EQ(after.epoch.starts, before.epoch.starts);
    EXPECT_EQ(after.unstored.size(), before.unstored.size());
    EXPECT_EQ(disk_.held(), std::vector<Version>{0});
    return start ? Error{} : start.error();
  }

  /// Update `index` in extent 2 * index + 1, accepted for round 1.
  AcceptedUpdate Accept(std::uint32_t index) {
    Bytes bytes(spool_bytes_);
    for (std::size_t i = 0; i < bytes.size() / sizeof(float); i += 7) {
      const float value = 0.001F * static_cast<float>(i % 100) - 0.01F * static_cast<float>(index);
      std::memcpy(bytes.data() + i * sizeof(float), &value, sizeof(value));
    }
    AcceptedUpdate update{.id = {1, 1, index, 0}, .counts_in = 1, .weight = 10 + index};
    update.digest = Xxh128Of(bytes);
    update.from = index;
    update.extent.index = 2 * index + 1;
    EXPECT_TRUE(spool_->Write(update.extent.index, 0, bytes).has_value());
    return update;
  }

  /// Folds as a running coordinator does, keeps the version in `expected_`, and commits it.
  void CommitUnstored(const Bootstrapped& parent) {
    const std::unique_ptr<Strategy> strategy = CreateStrategy(job_);
    const ParameterLayout layout = (*CreateTrainer(job_, 0, {}))->layout();
    const RingCapacity capacity{job_.aggregation.weight_max, job_.round.goal};
    const auto scales = ComputeScales(layout, parent.state.head->tensor_max_abs, capacity, 0);
    ASSERT_TRUE(scales.has_value());
    RingSum sum(*LanesOf(*strategy, layout));
    ASSERT_TRUE(sum.Reset(*scales, capacity).has_value());
    RoundRecord record{.round = 1, .version = 1, .parent = 0, .lineage = 1};
    record.scales = *scales;
    Batch batch;
    ThreadPool pool(2);
    for (std::uint32_t index = 0; index < kUpdates; ++index) {
      const AcceptedUpdate update = Accept(index);
      const UpdateSource source{[&](std::uint64_t offset, MutableByteSpan bytes) {
                                  return spool_->Read(update.extent.index, offset, bytes);
                                },
                                update.weight};
      ASSERT_TRUE(sum.Fold({&source, 1}, pool).has_value());
      record.accepted.push_back({update.id, update.digest, update.weight, 1, 0});
      record.weight_sum += update.weight;
      batch.mutations.push_back(PutAccepted{update});
    }
    ParameterSet next(parent.head.layout());
    const auto built = ::muster::BuildVersion({*strategy, parent.head, sum, 1}, pool, next);
    ASSERT_TRUE(built.has_value());
    expected_.assign(next.bytes().begin(), next.bytes().end());
    record.digest = built->manifest.digest;
    batch.mutations.push_back(PutVersion{built->manifest});
    batch.mutations.push_back(PutRoundRecord{record});
    ASSERT_TRUE(store_->Write(batch).has_value());
  }

  /// Changes one bit of an update in the spool; a second time mends it.
  void FlipBitOf(std::uint32_t index) {
    std::byte byte{};
    EXPECT_TRUE(spool_->Prepare(spool_bytes_, SpoolExtentCount(job_)).has_value());
    EXPECT_TRUE(spool_->Read(2 * index + 1, 70, {&byte, 1}).has_value());
    byte ^= std::byte{4};
    EXPECT_TRUE(spool_->Write(2 * index + 1, 70, {&byte, 1}).has_value());
  }
  void ChangeRecord(const std::function<void(RoundRecord&)>& change) {
    RoundRecord record = *disk_.state().last_record;
    change(record);
    ASSERT_TRUE(store_->Write({{PutRoundRecord{record}}}).has_value());
  }

  JobSpec job_ = SyntheticJob(kUpdates, 300'000);  // Two chunks and a half, momentum included.
  muster::testing::MemoryDisk disk_;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<Spool> spool_;
  std::uint64_t spool_bytes_ = 0;
  std::uint64_t epoch_nonce_ = 20;
  Bytes expected_;
};

TEST_F(RefoldTest, AnUnstoredHeadIsComputedAgainAndStored) {
  const Bootstrapped start = Start();
  EXPECT_EQ(start.state.head->version, 1U);
  EXPECT_TRUE(std::ranges::equal(start.head.bytes(), expected_));
  EXPECT_TRUE(start.state.unstored.empty());
  EXPECT_TRUE(disk_.state().unstored.empty());
  EXPECT_EQ(disk_.held(), (std::vector<Version>{0, 1}));
  FlipBitOf(0);  // The next start needs no update.
  EXPECT_TRUE(std::ranges::equal(Start().head.bytes(), expected_));
}

TEST_F(RefoldTest, WhatTheNextRoundAcceptedIsKept) {
  AcceptedUpdate next{.id = {1, 2, 0, 0}, .counts_in = 2, .weight = 3};
  ASSERT_TRUE(store_->Write({{PutAccepted{next}}}).has_value());
  const Bootstrapped start = Start();
  ASSERT_EQ(start.state.accepted.size(), 1U);
  EXPECT_EQ(start.state.accepted[0].id, next.id);
  EXPECT_EQ(disk_.state().accepted.size(), 1U);
}

TEST_F(RefoldTest, AFlippedBitInTheSpoolIsDamageThatNamesVersionAndUpdate) {
  FlipBitOf(1);
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_NE(error.message.find("version 1 is committed"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("l1.r1.s1.t0"), std::string::npos) << error.message;
  FlipBitOf(1);
  EXPECT_TRUE(std::ranges::equal(Start().head.bytes(), expected_));
}

TEST_F(RefoldTest, AnUpdateWithoutAPlaceInTheSpoolIsDamage) {
  ChangeRecord([](RoundRecord& record) { record.accepted[2].id.slot = 9; });
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_NE(error.message.find("l1.r1.s9.t0"), std::string::npos) << error.message;
}

TEST_F(RefoldTest, AnotherResultThanTheRecordsIsDamage) {
  ChangeRecord([](RoundRecord& record) { record.accepted[0].weight += 1; });
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_NE(error.message.find("another than its record"), std::string::npos) << error.message;
}

TEST_F(RefoldTest, ExponentsThatNoRoundCanHaveAreDamage) {
  ChangeRecord([](RoundRecord& record) { record.scales[0].scale_log2 += 1; });
  EXPECT_EQ(StartError().reason, Reason::damage);
  ChangeRecord([](RoundRecord& record) { record.scales.resize(7); });
  EXPECT_EQ(StartError().reason, Reason::damage);
}

TEST_F(RefoldTest, AFullDiskWhileHeadIsStoredEndsTheStart) {
  disk_.FailVersions(Error{Reason::disk_full, "no space"});
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::disk_full);
  EXPECT_NE(error.message.find("version 1"), std::string::npos) << error.message;
  disk_.FailVersions({});
  EXPECT_TRUE(std::ranges::equal(Start().head.bytes(), expected_));
}

TEST_F(RefoldTest, AStartThatDiesBehindTheStoreNeedsNoUpdate) {
  disk_.FailWrites(Error{Reason::io_failed, "the disk is gone"});
  EXPECT_EQ(TryStart().error().reason, Reason::io_failed);
  disk_.FailWrites({});
  EXPECT_EQ(disk_.held(), (std::vector<Version>{0, 1}));
  EXPECT_EQ(disk_.state().unstored.size(), kUpdates);
  FlipBitOf(0);
  EXPECT_TRUE(std::ranges::equal(Start().head.bytes(), expected_));
  EXPECT_TRUE(disk_.state().unstored.empty());
}

}  // namespace
}  // namespace muster::coordinator
