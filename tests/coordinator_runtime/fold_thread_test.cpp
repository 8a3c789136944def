#include "coordinator/runtime/fold_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <semaphore>
#include <vector>

#include "aggregation/scales.h"
#include "aggregation/version.h"
#include "common/digest.h"
#include "tests/coordinator_runtime/memory_store.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "training/trainer.h"

namespace muster::coordinator {
namespace {

using muster::testing::SyntheticJob;

/// Folds one update from a spool whose bytes the test chooses.
class FoldThreadTest : public ::testing::Test {
 protected:
  static constexpr RingCapacity kCapacity{1U << 20, 2};

  FoldThreadTest() : inbox_([this] { woken_.release(); }), shared_(*spool_) {
    trainer_ = *CreateTrainer(job_, 0, {});
    strategy_ = CreateStrategy(job_);
    auto head = InitialVersion(*strategy_, trainer_->InitialParameters());
    fold_ = std::make_unique<FoldThread>(
        FoldThread::Setup{*strategy_, *LanesOf(*strategy_, trainer_->layout()), kCapacity, 2},
        std::make_shared<const ParameterSet>(std::move(*head)), shared_, inbox_);
    update_.resize(trainer_->layout().total_bytes());
    const float value = 0.5F;
    std::memcpy(update_.data() + 64, &value, sizeof(value));
    EXPECT_TRUE(shared_.Prepare(update_.size(), 2).has_value());
  }

  /// The first answer to an accepted update whose extent holds `spooled`.
  Event FoldFrom(const Bytes& spooled) {
    EXPECT_TRUE(shared_.Write(1, 0, spooled).has_value());
    const float largest = 1;
    auto scales = ComputeScales(trainer_->layout(), {&largest, 1}, kCapacity, 0);
    EXPECT_TRUE(scales.has_value());
    fold_->Do(OpenSum{*scales});
    fold_->Do(Fold{{1, 1, 0, 0}, Xxh128Of(update_), {1}, 5});
    woken_.acquire();
    return std::get<Event>(inbox_.TakeAll().at(0));
  }

  /// The model ends within its second chunk, and momentum follows.
  static JobSpec Job() {
    JobSpec job = SyntheticJob(2, 300'000);
    job.strategy.server_momentum = 0.9;
    return job;
  }

  const JobSpec job_ = Job();
  muster::testing::MemoryDisk disk_;
  std::unique_ptr<Spool> spool_ = disk_.OpenSpool();
  std::counting_semaphore<> woken_{0};
  Inbox inbox_;
  SharedSpool shared_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<FoldThread> fold_;
  Bytes update_;
};

TEST_F(FoldThreadTest, TheBytesThatWereAcceptedAreFolded) {
  const Event event = FoldFrom(update_);
  const auto* failed = std::get_if<BuildFailed>(&event);
  EXPECT_TRUE(std::holds_alternative<Folded>(event)) << (failed ? failed->error.Text() : "");
}

TEST_F(FoldThreadTest, AFlippedBitInTheSpoolIsDamageThatNamesTheUpdate) {
  Bytes flipped = update_;
  flipped[70] ^= std::byte{1};
  const Event event = FoldFrom(flipped);
  const auto* failed = std::get_if<BuildFailed>(&event);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->error.reason, Reason::damage);
  EXPECT_NE(failed->error.message.find("l1.r1.s0.t0"), std::string::npos);
  // It may not be acknowledged yet.
  EXPECT_NE(failed->error.message.find("than were offered"), std::string::npos);
}

TEST_F(FoldThreadTest, ABuiltVersionNamesTheDigestOfItsModelAlone) {
  FoldFrom(update_);
  fold_->Do(BuildVersion{1, 5});
  woken_.acquire();
  const Event event = std::get<Event>(inbox_.TakeAll().at(0));
  const auto* built = std::get_if<VersionBuilt>(&event);
  ASSERT_NE(built, nullptr);
  const auto head = fold_->AdvanceHead(1);
  const VersionManifest expected = *DescribeVersion(*head, 1, 1);
  EXPECT_EQ(built->manifest.digest, expected.digest);
  EXPECT_GT(expected.total_bytes, expected.model_bytes);
  EXPECT_EQ(built->model_digest, Xxh128Of(head->bytes().first(expected.model_bytes)));
}

TEST_F(FoldThreadTest, EveryVersionHasMemoryOfItsOwn) {
  std::vector<std::shared_ptr<const ParameterSet>> versions;
  std::vector<Bytes> copies;
  for (Version version = 1; version <= 3; ++version) {
    FoldFrom(update_);
    fold_->Do(BuildVersion{version, 5});
    woken_.acquire();
    inbox_.TakeAll();
    versions.push_back(fold_->AdvanceHead(version));
    copies.emplace_back(versions.back()->bytes().begin(), versions.back()->bytes().end());
  }
  EXPECT_NE(copies[0], copies[1]);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(versions[i]->bytes(), copies[i])) << i;
  }
}

TEST_F(FoldThreadTest, ASpoolThatWasLostIsDamageThoughItsRoomWasMadeAgain) {
  const Event event = FoldFrom(Bytes(update_.size()));
  const auto* failed = std::get_if<BuildFailed>(&event);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->error.reason, Reason::damage);
}

}  // namespace
}  // namespace muster::coordinator
