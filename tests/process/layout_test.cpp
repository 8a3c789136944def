// What changes no bit: keys, threads, who shares a process, who comes first.
#include <gtest/gtest.h>

#include <utility>

#include "common/random.h"
#include "tests/cli/append_to.h"
#include "tests/process/fleet.h"

namespace muster::process {
namespace {

constexpr std::string_view kJob = R"(
[job]
name = "layout"
rounds = 4
[model]
kind = "synthetic"
parameters = 100000
[data]
source = "none"
parts = 10
[train]
duration_ms = 20
[round]
goal = 8
[strategy]
server_momentum = 0.5
)";
constexpr std::uint64_t kSeed = 1;

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back("participant-0" + std::to_string(i));
  return names;
}

struct Layout {
  const char* per_process;
  const char* threads;
  const char* fold_threads;
};

/// A run in a fresh state directory: fresh keys, too.
std::string DigestOf(const Layout& layout) {
  const TempDir directory;
  cli::AppendTo(directory / "job.toml", std::string(kJob));
  cli::Program run({"run", directory / "job.toml", "--state-dir", directory / "state", "--format",
                    "json", "--set", std::string("run.per_process=") + layout.per_process, "--set",
                    std::string("run.threads=") + layout.threads, "--set",
                    std::string("coordinator.fold_threads=") + layout.fold_threads});
  EXPECT_EQ(run.Wait(), 0) << run.output() << run.errors();
  const Json finished = LastEvent(run.events(), "finished");
  EXPECT_EQ(finished.value("reproducible", false), true) << finished;
  return finished.value("digest", "");
}

TEST(Layout, ProcessesThreadsAndKeysChangeNoBit) {
  const std::string digest = DigestOf({"1", "1", "1"});
  EXPECT_EQ(digest.size(), 64U);
  EXPECT_EQ(DigestOf({"5", "2", "2"}), digest);
  EXPECT_EQ(DigestOf({"10", "4", "8"}), digest);
}

TEST(Layout, OrderOfArrivalChangesNoBit) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(kSeed));
  KeyedStream random(kSeed, "arrival", {});
  const Fleet fleet{std::string(kJob)};
  fleet.EnrollNew(Names());
  std::vector<std::string> order = Names();
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  ASSERT_NE(order, Names());
  const Fleet::Process coordinator = fleet.StartCoordinator();
  std::vector<Fleet::Process> participants;
  for (const std::string& name : order) participants.push_back(fleet.StartParticipant(name));
  ExpectExit(*coordinator, 0);
  for (const Fleet::Process& participant : participants) ExpectExit(*participant, 0);
  EXPECT_EQ(LastEvent(fleet.Events(), "finished").value("digest", ""), DigestOf({"10", "1", "1"}));
}

}  // namespace
}  // namespace muster::process
