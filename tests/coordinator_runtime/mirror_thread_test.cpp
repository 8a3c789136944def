// The thread behind a mirror: what it refuses, tells, tries again and leaves at the end.
#include "coordinator/runtime/mirror_thread.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "checkpoint/mirror_files.h"
#include "common/file.h"
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
  std::unique_ptr<MirrorThread> Start(const std::string& mirror_dir) {
    return std::make_unique<MirrorThread>(
        MirrorThread::Setup{mirror_dir, directory(), {}, {0, 0}, 1, 5}, *store_, inbox_);
  }
  /// Flips a bit of the version's chunk in the state.
  void DamageVersion(Version version) {
    const Bytes contents = SampleContents(version, kVersionBytes);
    const std::string_view part = AsText(contents).substr(64, 32);
    for (const std::string& path : SortedFiles()) {
      std::ifstream file(path, std::ios::binary);
      const std::string image{std::istreambuf_iterator<char>(file), {}};
      if (const std::size_t at = image.find(part); at != std::string::npos) return Flip(path, at);
    }
    FAIL() << "no file of version " << version;
  }
  /// The next that the mirror tells; fails the test if nothing comes.
  template <typename Told>
  Told Await() {
    std::unique_lock lock(mutex_);
    const bool woken = woken_.wait_for(lock, std::chrono::seconds(60), [&] { return wakes_ > 0; });
    EXPECT_TRUE(woken) << "nothing is told";
    wakes_ = 0;
    lock.unlock();
    for (const InboxItem& item : inbox_.TakeAll()) {
      if (const auto* told = std::get_if<Told>(&item)) return *told;
    }
    ADD_FAILURE() << "something else is told";
    return {};
  }
  MirrorStatus AwaitNews() { return Await<MirrorChanged>().status; }

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
  Commit(2);
  mirror->OnCommitted(2);
  mirror->Finish(kMirrorFinishMost);
  const MirrorStatus status = mirror->status();
  EXPECT_EQ(status.version, 2U);
  EXPECT_EQ(status.behind(), 0U);
  EXPECT_FALSE(status.error) << status.error->Text();
  EXPECT_EQ(ReadAnnounced(MirrorDir()), (Announced{2, 5}));
}

TEST_F(MirrorThreadTest, AnEndWithoutTimeLeavesTheCopyToTheNextProcess) {
  auto mirror = Start(MirrorDir());
  mirror->Finish(std::chrono::milliseconds(0));
  mirror = Start(MirrorDir());
  mirror->Finish(kMirrorFinishMost);
  EXPECT_EQ(mirror->status().version, 1U);
}

TEST_F(MirrorThreadTest, AMirrorThatIsNotThereIsNotMadeButToldOf) {
  auto mirror = Start(temporary_ / "unmounted");
  const MirrorStatus told = AwaitNews();
  ASSERT_TRUE(told.error.has_value());
  EXPECT_EQ(told.error->reason, Reason::not_found);
  EXPECT_THAT(told.error->message, HasSubstr("mount its volume"));
  EXPECT_EQ(told.behind(), 2U) << "versions 0 and 1";
  mirror->Finish(kMirrorDrainMost);
  EXPECT_FALSE(std::filesystem::exists(temporary_ / "unmounted"));
  EXPECT_GE(mirror->status().failures, 1U);
}

TEST_F(MirrorThreadTest, AMirrorThatComesBackIsCaughtUpAndToldOf) {
  auto mirror = Start(temporary_ / "late");
  EXPECT_TRUE(AwaitNews().error.has_value());
  std::filesystem::create_directories(temporary_ / "late");
  mirror->OnStored();
  const MirrorStatus told = AwaitNews();
  EXPECT_FALSE(told.error.has_value()) << told.error->Text();
  EXPECT_EQ(told.version, 1U);
}

TEST_F(MirrorThreadTest, TheStateItselfIsNoMirror) {
  const auto mirror = Start(directory());
  const Error refused = Await<ThreadFailed>().error;
  EXPECT_EQ(refused.reason, Reason::config_invalid);
  EXPECT_THAT(refused.message, HasSubstr("is the state directory itself"));
}

TEST_F(MirrorThreadTest, NeitherLiesTheMirrorInTheStateNorTheStateInTheMirror) {
  const std::string below = directory() + "/mirror";
  std::filesystem::create_directories(below);
  const std::string link = temporary_ / "link";
  std::filesystem::create_directory_symlink(below, link);
  for (const std::string& dir : {below, link, std::string(temporary_.path())}) {
    const auto mirror = Start(dir);
    const Error refused = Await<ThreadFailed>().error;
    EXPECT_EQ(refused.reason, Reason::config_invalid) << dir;
    EXPECT_THAT(refused.message, HasSubstr("a directory of its own")) << dir;
    EXPECT_FALSE(std::filesystem::exists(dir + "/FORMAT")) << "nothing was made there";
  }
}

TEST_F(MirrorThreadTest, AMirrorOnTheVolumeOfTheStateIsWarnedOfOnceAndServed) {
  auto mirror = Start(MirrorDir());
  const MirrorStatus told = AwaitNews();
  EXPECT_TRUE(told.same_volume);
  EXPECT_FALSE(told.error.has_value()) << told.error->Text();
  Commit(2);
  mirror->OnCommitted(2);
  mirror->Finish(kMirrorFinishMost);
  EXPECT_EQ(mirror->status().version, 2U);
  EXPECT_TRUE(inbox_.TakeAll().empty()) << "told again";
}

TEST_F(MirrorThreadTest, AMirrorOnAnotherVolumeIsNotWarnedOf) {
  const std::string elsewhere = "/dev/shm/muster-mirror-" + std::to_string(::getpid());
  std::error_code failed;
  std::filesystem::create_directories(elsewhere, failed);
  struct stat here = {};
  struct stat there = {};
  if (failed || ::stat(directory().c_str(), &here) != 0 || ::stat(elsewhere.c_str(), &there) != 0 ||
      here.st_dev == there.st_dev) {
    GTEST_SKIP() << "there is no second volume";
  }
  auto mirror = Start(elsewhere);
  mirror->Finish(kMirrorFinishMost);
  EXPECT_EQ(mirror->status().version, 1U);
  EXPECT_FALSE(mirror->status().same_volume);
  EXPECT_TRUE(inbox_.TakeAll().empty());
  std::filesystem::remove_all(elsewhere);
}

/// A name that begins like the state's is no part of it.
TEST_F(MirrorThreadTest, AMirrorBesideTheStateMayHaveItsNameAsABeginning) {
  const std::string beside = directory() + "-mirror";
  std::filesystem::create_directories(beside);
  const auto mirror = Start(beside);
  mirror->Finish(kMirrorFinishMost);
  EXPECT_EQ(mirror->status().version, 1U);
}

TEST_F(MirrorThreadTest, AMirrorOfAnotherJobEndsTheProcessAndStaysAsItIs) {
  {
    const auto other = OpenCheckpointStore(MirrorDir(), OpenMode::create_or_open);
    JobRecord job = SampleJob();
    job.digest[0] ^= std::byte{1};
    ASSERT_TRUE((*other)->Write({{PutJob{job}}}));
  }
  const auto mirror = Start(MirrorDir());
  const Error refused = Await<ThreadFailed>().error;
  EXPECT_EQ(refused.reason, Reason::wrong_job);
  EXPECT_THAT(refused.message, HasSubstr("checkpoint.mirror = " + MirrorDir()));
  mirror->Finish(kMirrorFinishMost);
  ASSERT_TRUE(mirror->refusal().has_value());
  EXPECT_EQ(mirror->refusal()->reason, Reason::wrong_job);
  EXPECT_EQ(ReadAnnounced(MirrorDir()), std::nullopt);
}

TEST_F(MirrorThreadTest, AnotherJobsMirrorInThePlaceOfOneThatWasAwayEndsNothing) {
  const auto mirror = Start(temporary_ / "late");
  EXPECT_EQ(AwaitNews().error->reason, Reason::not_found);
  {
    const auto other = OpenCheckpointStore(temporary_ / "other", OpenMode::create_or_open);
    JobRecord job = SampleJob();
    job.digest[0] ^= std::byte{1};
    ASSERT_TRUE((*other)->Write({{PutJob{job}}}));
  }
  std::filesystem::rename(temporary_ / "other", temporary_ / "late");
  mirror->OnStored();
  EXPECT_EQ(AwaitNews().error->reason, Reason::wrong_job);
  EXPECT_FALSE(mirror->refusal().has_value());
}

/// Who opens a named pipe to read waits for a writer: what a hanging volume does.
TEST_F(MirrorThreadTest, AStartDoesNotWaitForAMirrorThatHangs) {
  const std::string pipe = MirrorDir() + "/FORMAT";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto mirror = Start(MirrorDir());
  EXPECT_EQ(mirror->status().failures, 0U) << "it started";
  const FileDescriptor let_go(::open(pipe.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(let_go.valid());
  std::filesystem::remove(pipe);  // Before the thread looks again.
}

TEST_F(MirrorThreadTest, ADamagedVersionOfTheStateIsToldOfOnceAndTheOthersAreCopied) {
  ASSERT_NO_FATAL_FAILURE(DamageVersion(0));
  const auto mirror = Start(MirrorDir());
  const MirrorStatus told = AwaitNews();
  EXPECT_FALSE(told.error.has_value()) << told.error->Text();
  EXPECT_EQ(told.version, 1U);
  ASSERT_EQ(told.damaged.size(), 1U);
  EXPECT_THAT(told.damaged.at(0), HasSubstr("version 0"));
  Commit(2);
  mirror->OnCommitted(2);
  mirror->Finish(kMirrorFinishMost);
  EXPECT_EQ(mirror->status().version, 2U);
  EXPECT_EQ(mirror->status().damaged.size(), 1U);
  EXPECT_TRUE(inbox_.TakeAll().empty()) << "told again";
}

TEST_F(MirrorThreadTest, AMirrorInUseIsTriedAgain) {
  const auto user = OpenCheckpointStore(MirrorDir(), OpenMode::create_or_open);
  ASSERT_TRUE(user);
  auto mirror = Start(MirrorDir());
  EXPECT_EQ(AwaitNews().error->reason, Reason::state_in_use);
}

}  // namespace
}  // namespace muster::coordinator
