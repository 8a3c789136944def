// Participants and copies of a coordinator's state: the newest one is followed, all others are told
// why not, and nothing is lost by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/process/fleet.h"
#include "tests/process/small_job.h"

namespace muster::process {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::vector<std::string> kNames = SiteNames(3);

/// So many rounds that the coordinator is still at work when it is stopped after one of them, four
/// times over.
const std::string kJob = SmallJob{.name = "copies",
                                  .rounds = 50,
                                  .parameters = 2'000,
                                  .more = "[coordinator]\ngoodbye_s = 2\n"}
                             .Text();

class CopiesTest : public ::testing::Test {
 protected:
  CopiesTest() : fleet_{kJob} {
    fleet_.EnrollNew(kNames);
    coordinator_ = fleet_.StartCoordinator();
    sites_ = fleet_.StartParticipants(kNames);
  }
  void AwaitAVersion() {
    ASSERT_FALSE(
        coordinator_->Await([](const Json& event) { return event.value("event", "") == "version"; })
            .is_null());
  }
  /// Runs until another version is committed, and drains.
  void RunOneVersion() {
    AwaitAVersion();
    coordinator_->Signal(SIGTERM);
    ExpectExit(*coordinator_, 3);
  }
  void StartAgain() { coordinator_ = fleet_.StartCoordinator(); }
  void Kill() {
    coordinator_->Signal(SIGKILL);
    ExpectExit(*coordinator_, -SIGKILL);
  }
  void Copy(const std::string& name) const {
    fs::copy(fleet_.CoordinatorDir(), fleet_.DirOf(name), fs::copy_options::recursive);
  }
  /// Puts the state aside under `aside`, and the one called `name` in its place.
  void Replace(const std::string& aside, const std::string& name) const {
    fs::rename(fleet_.CoordinatorDir(), fleet_.DirOf(aside));
    fs::rename(fleet_.DirOf(name), fleet_.CoordinatorDir());
  }
  std::uint64_t RefusedByParticipants(const Json& status, const std::string& reason) const {
    const auto counters = status.find("counters");
    return counters == status.end()
               ? 0
               : counters->value("refused_by_participant." + reason, std::uint64_t{0});
  }

  const Fleet fleet_;
  Fleet::Process coordinator_;
  std::vector<Fleet::Process> sites_;
};

TEST_F(CopiesTest, AnOldCopyIsRefusedByAllAndTheNewestGoesOnAsIfNothingHappened) {
  RunOneVersion();
  Copy("old");
  const std::uint64_t copied = LastEvent(fleet_.Events(), "drained")["version"];
  for (int life = 0; life < 2; ++life) {
    StartAgain();
    RunOneVersion();
  }
  StartAgain();
  AwaitAVersion();
  Kill();
  EXPECT_GE(LastEvent(fleet_.Events(), "version")["version"], copied + 3);
  Replace("newest", "old");
  StartAgain();
  const Json status = fleet_.AwaitStatus([this](const Json& now) {
    return RefusedByParticipants(now, "coordinator_older") >= kNames.size();
  });
  EXPECT_EQ(status["version"], copied) << "nobody helps it on: " << status;
  Kill();
  Replace("old-again", "newest");
  StartAgain();
  ExpectExit(*coordinator_, 0);
  for (const Fleet::Process& site : sites_) ExpectExit(*site, 0);
  const Json finished = LastEvent(fleet_.Events(), "finished");
  EXPECT_EQ(finished["reproducible"], true) << finished;
  EXPECT_EQ(finished["digest"], Fleet::UndisturbedDigest(kJob, kNames));
}

TEST_F(CopiesTest, TwoCoordinatorsOfOneEpochAreASplitBrain) {
  RunOneVersion();
  Copy("twin");
  StartAgain();
  AwaitAVersion();
  Kill();
  Replace("first", "twin");
  StartAgain();
  for (const Fleet::Process& site : sites_) {
    ExpectExit(*site, 6);
    EXPECT_THAT(site->output() + site->errors(), HasSubstr("split_brain"));
  }
}

TEST_F(CopiesTest, AnotherStateOfTheSameJobIsNotFollowed) {
  RunOneVersion();
  for (const Fleet::Process& site : sites_) site->Signal(SIGTERM);
  for (const Fleet::Process& site : sites_) ExpectExit(*site, 3);
  fs::rename(fleet_.CoordinatorDir(), fleet_.DirOf("first"));
  for (const std::string& name : kNames) fleet_.Enroll(name);
  StartAgain();
  fleet_.AwaitStatus([](const Json& status) { return status.contains("version"); });
  for (const std::string& name : kNames) {
    const auto site = fleet_.StartParticipant(name);
    ExpectExit(*site, 11);
    EXPECT_THAT(site->output() + site->errors(), HasSubstr("unknown_lineage"));
  }
}

}  // namespace
}  // namespace muster::process
