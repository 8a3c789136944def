// Verifying a state directory only looks: what that finds of the spool, and that nothing changes.
#include "checkpoint/verify.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "checkpoint/internal/in_use.h"
#include "checkpoint/loss.h"
#include "common/file.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::HasSubstr;

class VerifyTest : public StoreFixture {
 protected:
  /// Version 0 stored, two updates accepted.
  VerifyTest() {
    Open();
    Stage(0);
    const VersionManifest manifest = SampleManifest(0, SampleContents(0, kVersionBytes));
    Write({PutVersion{manifest}, PutRoundRecord{{.lineage = 1, .digest = manifest.digest}}});
    AcceptEach(1, 2);
    Close();
  }
  Result<VerifiedState> Verify() {
    return VerifyStateDirectory(*OpenReader(), directory(), {}, [](Version) {});
  }
};

TEST_F(VerifyTest, ALostSpoolIsDamageAndNoneIsMade) {
  const std::string before = ImageOf(directory());
  const auto verified = Verify();
  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().reason, Reason::damage);
  EXPECT_THAT(verified.error().message, HasSubstr("spool is gone"));
  EXPECT_EQ(ImageOf(directory()), before);
}

TEST_F(VerifyTest, AShortSpoolIsDamageAndDoesNotGrow) {
  std::ofstream(FileOf("spool")) << "short";
  const std::string before = ImageOf(directory());
  const auto verified = Verify();
  ASSERT_FALSE(verified.has_value());
  EXPECT_EQ(verified.error().reason, Reason::damage);
  EXPECT_THAT(verified.error().message, HasSubstr("spool has 5 bytes"));
  EXPECT_EQ(ImageOf(directory()), before);
}

TEST_F(VerifyTest, TheSpoolOfAWriterAtWorkIsNotRead) {
  Open();
  const auto verified = Verify();
  ASSERT_TRUE(verified.has_value()) << verified.error().Text();
  EXPECT_TRUE(verified->in_use);
}

TEST_F(VerifyTest, TheLockIsNotTouched) {
  const std::string nobody = "a writer before";
  std::ofstream(FileOf("lock")) << nobody;
  EXPECT_FALSE(Verify().has_value());
  std::ifstream file(FileOf("lock"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), nobody);
  std::filesystem::remove(FileOf("lock"));
  EXPECT_FALSE(Verify().has_value());
  EXPECT_FALSE(std::filesystem::exists(FileOf("lock")));
}

// The look is a lock of a moment: a start that falls into it is no second one.
TEST_F(VerifyTest, AStartBesideThoseWhoLookIsNotRefused) {
  std::ofstream(FileOf("lock")) << "";
  std::atomic<bool> over = false;
  const auto look = [&] {
    while (!over) EXPECT_TRUE(checkpoint::IsInUse(directory()));
  };
  std::thread one(look);
  std::thread other(look);
  for (int start = 0; start < 300; ++start) {
    const auto lock = FileLock::Acquire(FileOf("lock"));
    EXPECT_TRUE(lock) << start << ": " << lock.error().Text();
    if (!lock) break;
    EXPECT_EQ(FileLock::Acquire(FileOf("lock")).error().reason, Reason::state_in_use);
  }
  over = true;
  one.join();
  other.join();
}

class NewStateTest : public StoreFixture {};

TEST_F(NewStateTest, AFormatThatIsLostBeforeTheFirstVersionIsWrittenAgain) {
  Open();
  Write({PutRosterEntry{SampleRosterEntry(0)}});
  Close();
  std::filesystem::remove(FileOf("FORMAT"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
  const auto loss = AcceptLoss(directory(), {});
  ASSERT_TRUE(loss.has_value()) << loss.error().Text();
  EXPECT_THAT(LossText(*loss), HasSubstr("the run loses nothing by it"));
  Open();
  EXPECT_EQ(recovered().roster.size(), 1U);
}

}  // namespace
}  // namespace muster
