// The thread behind a mirror: what it refuses, tells, tries again and leaves at the end.
#include "coordinator/runtime/mirror_thread.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "checkpoint/mirror_files.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster::coordinator {
namespace {

using ::testing::HasSubstr;

class MirrorThreadTest : public StoreFixture {
 protected:
  void SetUp() override {
    Open();
    LineageRecord lineage;
    lineage.id = {SampleRoundRecord(1).lineage, 11};
    Write({PutJob{SampleJob()}, PutLineage{lineage}});
    Commit(0);
    Commit(1);
    std::filesystem::create_directories(MirrorDir());
  }
  std::string MirrorDir() const { return temporary_ / "mirror"; }
  Result<std::unique_ptr<MirrorThread>> Start(const std::string& mirror_dir) {
    return MirrorThread::Start({mirror_dir, directory(), {}, {0, 0}, 1, 5}, *store_, inbox_);
  }
  /// The next news of the mirror; fails the test if none comes.
  MirrorStatus AwaitNews() {
    std::unique_lock lock(mutex_);
    const bool woken = woken_.wait_for(lock, std::chrono::seconds(60), [&] { return wakes_ > 0; });
    EXPECT_TRUE(woken) << "nothing is told";
    wakes_ = 0;
    lock.unlock();
    for (const InboxItem& item : inbox_.TakeAll()) {
      if (const auto* news = std::get_if<MirrorChanged>(&item)) return news->status;
    }
    return {};
  }

  std::mutex mutex_;
  std::condition_variable woken_;
  int wakes_ = 0;
  Inbox inbox_{[this] {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    woken_.notify_all();
  }};
};

TEST_F(MirrorThreadTest, TheEndWaitsForWhatIsThereToCopy) {
  auto mirror = Start(MirrorDir());
  ASSERT_TRUE(mirror) << mirror.error().Text();
  Commit(2);
  (*mirror)->OnCommitted(2);
  (*mirror)->Finish(kMirrorFinishMost);
  const MirrorStatus status = (*mirror)->status();
  EXPECT_EQ(status.version, 2U);
  EXPECT_EQ(status.behind(), 0U);
  EXPECT_FALSE(status.error) << status.error->Text();
  EXPECT_EQ(ReadAnnounced(MirrorDir()), (Announced{2, 5}));
}

TEST_F(MirrorThreadTest, AnEndWithoutTimeLeavesTheCopyToTheNextProcess) {
  auto mirror = Start(MirrorDir());
  ASSERT_TRUE(mirror) << mirror.error().Text();
  (*mirror)->Finish(std::chrono::milliseconds(0));
  mirror = Start(MirrorDir());
  ASSERT_TRUE(mirror) << mirror.error().Text();
  (*mirror)->Finish(kMirrorFinishMost);
  EXPECT_EQ((*mirror)->status().version, 1U);
}

TEST_F(MirrorThreadTest, AMirrorThatIsNotThereIsNotMadeButToldOf) {
  auto mirror = Start(temporary_ / "unmounted");
  ASSERT_TRUE(mirror) << mirror.error().Text();
  const MirrorStatus told = AwaitNews();
  ASSERT_TRUE(told.error.has_value());
  EXPECT_EQ(told.error->reason, Reason::not_found);
  EXPECT_THAT(told.error->message, HasSubstr("mount its volume"));
  EXPECT_EQ(told.behind(), 2U) << "versions 0 and 1";
  (*mirror)->Finish(kMirrorDrainMost);
  EXPECT_FALSE(std::filesystem::exists(temporary_ / "unmounted"));
  EXPECT_GE((*mirror)->status().failures, 1U);
}

TEST_F(MirrorThreadTest, AMirrorThatComesBackIsCaughtUpAndToldOf) {
  auto mirror = Start(temporary_ / "late");
  ASSERT_TRUE(mirror) << mirror.error().Text();
  EXPECT_TRUE(AwaitNews().error.has_value());
  std::filesystem::create_directories(temporary_ / "late");
  (*mirror)->OnStored();
  const MirrorStatus told = AwaitNews();
  EXPECT_FALSE(told.error.has_value()) << told.error->Text();
  EXPECT_EQ(told.version, 1U);
}

TEST_F(MirrorThreadTest, TheStateItselfIsNoMirror) {
  const auto refused = Start(directory());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::config_invalid);
  EXPECT_THAT(refused.error().message, HasSubstr("is the state directory itself"));
}

TEST_F(MirrorThreadTest, AMirrorOfAnotherJobEndsTheStart) {
  {
    const auto other = OpenCheckpointStore(MirrorDir(), OpenMode::create_or_open);
    JobRecord job = SampleJob();
    job.digest[0] ^= std::byte{1};
    ASSERT_TRUE((*other)->Write({{PutJob{job}}}));
  }
  const auto refused = Start(MirrorDir());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::wrong_job);
  EXPECT_THAT(refused.error().message, HasSubstr("checkpoint.mirror = " + MirrorDir()));
}

TEST_F(MirrorThreadTest, AMirrorInUseIsTriedAgain) {
  const auto user = OpenCheckpointStore(MirrorDir(), OpenMode::create_or_open);
  ASSERT_TRUE(user);
  auto mirror = Start(MirrorDir());
  ASSERT_TRUE(mirror) << mirror.error().Text();
  EXPECT_EQ(AwaitNews().error->reason, Reason::state_in_use);
}

}  // namespace
}  // namespace muster::coordinator
