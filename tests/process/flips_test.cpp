// One flipped bit in every file of a real state directory, at drawn places: it is found, or the
// byte is dead, which an equal outcome of verify and start shows.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "aggregation/strategy.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "checkpoint/verify.h"
#include "common/bytes.h"
#include "common/random.h"
#include "coordinator/runtime/bootstrap.h"
#include "model/job.h"
#include "tests/process/fleet.h"
#include "tests/process/small_job.h"
#include "training/trainer.h"

namespace muster::process {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kNames = SiteNames(3);
constexpr int kFlipsAFile = 8;
constexpr int kFlipsOfOthers = 3;

const std::string kJob = SmallJob{.name = "flips",
                                  .rounds = 4,
                                  .parameters = 12'000,
                                  .duration_ms = 30,
                                  .more = "[coordinator]\ngoodbye_s = 1\n"}
                             .Text();

std::uint64_t Seed() {
  const char* seed = std::getenv("MUSTER_FLIP_SEED");
  return seed == nullptr ? SystemRandom() : std::stoull(seed);
}

/// Nothing of Muster reads these: RocksDB's text logs, its options (ours are given at each open)
/// and its identity (nobody compares it), empty locks, our logs, the socket.
bool IsExempt(const fs::path& path) {
  const std::string name = path.filename();
  static const std::set<std::string> kNamesExempt = {
      "LOCK", "IDENTITY", "lock", "coordinator.log", "metrics.jsonl", "admin.sock"};
  return kNamesExempt.contains(name) || name.starts_with("LOG") || name.starts_with("OPTIONS-");
}

void Flip(const std::string& path, std::uint64_t bit) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(bit / 8));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(bit / 8));
  file.put(static_cast<char>(byte ^ (1 << bit % 8)));
  ASSERT_TRUE(file.flush()) << path;
}

/// What verify and a start make of a state, as text; an error if either finds something.
Result<std::string> OutcomeOf(const std::string& state_dir) {
  const Result<StateKey> key = FindStateKey("");
  MUSTER_TRY(key);
  std::string text;
  {
    auto store = OpenCheckpointStore(state_dir, OpenMode::read_only, *key);
    MUSTER_TRY(store);
    auto verified = VerifyStateDirectory(**store, state_dir, *key, [](Version) {});
    MUSTER_TRY(verified);
    text = std::to_string(verified->records) + " records, " + std::to_string(verified->updates) +
           " updates, " + std::to_string(verified->spooled_updates) + " spooled;";
    MUSTER_TRY((*store)->ForEachRoundRecord([&](const RoundRecord& record) -> Status {
      text += " " + Hex(record.digest);
      return {};
    }));
  }
  auto store = OpenCheckpointStore(state_dir, OpenMode::create_or_open, *key);
  MUSTER_TRY(store);
  auto spool = OpenSpool(state_dir, *key);
  MUSTER_TRY(spool);
  auto job = DecodeJob((*store)->recovered().job->job);
  MUSTER_TRY(job);
  auto trainer = CreateTrainer(*job, 0, {});
  MUSTER_TRY(trainer);
  auto start = coordinator::Bootstrap(**store, **spool, *job, {1, 2}, {**trainer, ""},
                                      *CreateStrategy(*job));
  MUSTER_TRY(start);
  const RecoveredState& state = start->state;
  text += "; epoch " + std::to_string(state.epoch.epoch.number) + ", head " +
          std::to_string(state.head->version) + " " + Hex(start->model_digest);
  for (const RosterEntry& entry : state.roster) text += " " + entry.name + entry.key.Z85();
  for (const AcceptedUpdate& update : state.accepted) {
    text += " " + update.id.Text() + Hex(update.digest) + std::to_string(update.extent.index);
  }
  for (const UpdateFate& fate : state.fates) text += " " + fate.id.Text() + Hex(fate.digest);
  text += state.open_round ? " open " + std::to_string(state.open_round->round) : " closed";
  return text;
}

struct Count {
  int found = 0;
  int dead = 0;
};

/// The key of encrypted states, which every process finds in its environment.
class KeyInEnvironment {
 public:
  explicit KeyInEnvironment(bool given) {
    if (given) ::setenv(kStateKeyVariable, std::string(64, '5').c_str(), 1);
  }
  ~KeyInEnvironment() { ::unsetenv(kStateKeyVariable); }
};

class FlipsTest : public ::testing::Test {
 protected:
  explicit FlipsTest(bool encrypted = false) : key_(encrypted), fleet_{kJob} {
    fleet_.EnrollNew(kNames);
  }

  std::string Fresh(const std::string& state_dir) const {
    const std::string copy = fleet_.DirOf("flipped");
    fs::remove_all(copy);
    fs::create_directories(copy + "/db");
    fs::create_directories(copy + "/stage");
    for (const auto& entry : fs::recursive_directory_iterator(state_dir)) {
      if (!entry.is_regular_file()) continue;
      const fs::path relative = fs::relative(entry.path(), state_dir);
      const bool stored = !relative.has_parent_path() || relative.parent_path() == "db";
      if (stored) fs::copy_file(entry.path(), fs::path(copy) / relative);
    }
    return copy;
  }

  /// Flips bits in each file that the store has, and prints what became of them.
  void FlipEverything(const std::string& state_dir) {
    const std::uint64_t seed = Seed();
    std::printf("MUSTER_FLIP_SEED=%llu\n", static_cast<unsigned long long>(seed));
    KeyedStream random(seed, "flips", {});
    const Result<std::string> untouched = OutcomeOf(Fresh(state_dir));
    ASSERT_TRUE(untouched.has_value()) << untouched.error().Text();
    std::map<std::string, Count> counts;
    for (const std::string& file : FilesOf(state_dir)) {
      const std::uint64_t bits = 8 * fs::file_size(state_dir + "/" + file);
      for (int i = 0; i < kFlipsAFile && bits > 0; ++i) {
        const std::string copy = Fresh(state_dir);
        // Of the witness only its two slots mean anything.
        const bool slot = file == "witness" && i % 2 == 0;
        const std::uint64_t bit =
            slot ? 8 * 4096 * random.Below(2) + random.Below(8 * 24) : random.Below(bits);
        Flip(copy + "/" + file, bit);
        SCOPED_TRACE(file + " bit " + std::to_string(bit));
        Count& count = counts[KindOf(file)];
        const Result<std::string> outcome = OutcomeOf(copy);
        if (outcome) {
          EXPECT_EQ(*outcome, *untouched) << "a flipped bit that nobody found";
          ++count.dead;
        } else {
          const Reason reason = outcome.error().reason;
          EXPECT_TRUE(reason == Reason::damage || reason == Reason::unsupported)
              << outcome.error().Text();
          const std::string& words = outcome.error().message;
          const bool named = words.find(copy) != std::string::npos ||
                             words.find("the spool holds other bytes") != std::string::npos;
          EXPECT_TRUE(named) << words;
          ++count.found;
        }
      }
    }
    for (const auto& [kind, count] : counts) {
      std::printf("%-10s %3d found, %3d dead\n", kind.c_str(), count.found, count.dead);
    }
    for (const char* kind : {"FORMAT", "CURRENT", "sst"}) {
      EXPECT_GT(counts[kind].found, counts[kind].dead) << kind;
    }
  }

  static std::vector<std::string> FilesOf(const std::string& state_dir) {
    std::vector<std::string> files;
    for (const char* file : {"FORMAT", "witness", "spool", "keys"}) {
      if (fs::exists(state_dir + "/" + file)) files.emplace_back(file);
    }
    for (const auto& entry : fs::directory_iterator(state_dir + "/db")) {
      if (!IsExempt(entry.path())) files.push_back("db/" + entry.path().filename().string());
    }
    std::ranges::sort(files);
    return files;
  }
  static std::string KindOf(const std::string& file) {
    if (file.ends_with(".sst")) return "sst";
    if (file.ends_with(".log")) return "log";
    if (file.find("MANIFEST") != std::string::npos) return "MANIFEST";
    return fs::path(file).filename();
  }

  const KeyInEnvironment key_;
  const Fleet fleet_;
};

TEST_F(FlipsTest, OfAFinishedRunAreFoundOrInDeadBytes) {
  const auto coordinator = fleet_.StartCoordinator();
  const std::vector<Fleet::Process> sites = fleet_.StartParticipants(kNames);
  ExpectExit(*coordinator, 0);
  FlipEverything(fleet_.CoordinatorDir());
}

class KilledFlipsTest : public FlipsTest, public ::testing::WithParamInterface<bool> {
 protected:
  KilledFlipsTest() : FlipsTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Encrypted, KilledFlipsTest, ::testing::Bool());

TEST_P(KilledFlipsTest, OfARoundWithAcceptedUpdatesAreFoundOrInDeadBytes) {
  const auto coordinator = fleet_.StartCoordinator({"job.rounds=50"});
  const std::vector<Fleet::Process> sites = fleet_.StartParticipants(kNames);
  ASSERT_FALSE(coordinator->AwaitVersion(3).is_null());
  sites[2]->Signal(SIGKILL);
  fleet_.AwaitStatus([](const Json& status) { return status.value("accepted", 0) == 2; });
  coordinator->Signal(SIGKILL);
  ExpectExit(*coordinator, -SIGKILL);
  FlipEverything(fleet_.CoordinatorDir());
}

/// The files that are no part of the store, with the real program.
class OtherFilesTest : public FlipsTest {
 protected:
  /// Goes on for another round; returns its exit code and what it said.
  std::pair<int, std::string> GoOn(const std::string& state_dir) const {
    cli::Program run({"run", fleet_.JobFile(), "--state-dir", state_dir, "--format", "json",
                      "--set", "job.rounds=5"});
    const int code = run.Wait();
    return {code, run.output() + run.errors()};
  }
  std::string CopyOf(const std::string& state_dir) const {
    const std::string copy = fleet_.DirOf("flipped");
    fs::remove_all(copy);
    fs::create_directories(copy);
    for (const auto& entry : fs::directory_iterator(state_dir)) {
      if (entry.is_socket()) continue;
      fs::copy(entry.path(), fs::path(copy) / entry.path().filename(), fs::copy_options::recursive);
    }
    return copy;
  }
  std::string DigestIn(const std::string& state_dir) const {
    return LastEvent(ReadEvents(state_dir), "finished").value("digest", "");
  }
};

TEST_F(OtherFilesTest, AreNamedOrChangeNothing) {
  const std::string state = fleet_.DirOf("run");
  cli::Program run({"run", fleet_.JobFile(), "--state-dir", state, "--format", "json"});
  ASSERT_EQ(run.Wait(), 0) << run.output() << run.errors();
  const std::string undisturbed = CopyOf(state);
  ASSERT_EQ(GoOn(undisturbed).first, 0);
  const std::string digest = DigestIn(undisturbed);
  const std::uint64_t seed = Seed();
  std::printf("MUSTER_FLIP_SEED=%llu\n", static_cast<unsigned long long>(seed));
  KeyedStream random(seed, "other flips", {});
  const std::string first = fs::directory_iterator(state + "/participants")->path().filename();
  const std::string site = "participants/" + first + "/";
  const std::map<std::string, std::string> files = {
      // What the message must name if the run does not go on.
      {"coordinator.key", "coordinator.key"},
      {"coordinator.pub", ""},
      {"endpoints.json", "endpoints.json"},
      {"run.json", ""},
      {"run.shown", ""},
      {"config.toml", ""},
      {site + "participant.key", "participant.key"},
      {site + "participant.pub", ""},
      {site + "state.bin", "state.bin"}};
  for (const auto& [file, named] : files) {
    int found = 0;
    for (int i = 0; i < kFlipsOfOthers; ++i) {
      const std::string copy = CopyOf(state);
      const std::uint64_t bit = random.Below(8 * fs::file_size(copy + "/" + file));
      SCOPED_TRACE(file + " bit " + std::to_string(bit));
      Flip(copy + "/" + file, bit);
      const auto [code, words] = GoOn(copy);
      if (code == 0) {
        EXPECT_EQ(DigestIn(copy), digest);
        continue;
      }
      ++found;
      EXPECT_NE(named, "") << "a file that nothing depends on: " << words;
      EXPECT_NE(words.find(named), std::string::npos) << words;
    }
    if (file == "endpoints.json") {
      EXPECT_EQ(found, kFlipsOfOthers) << "it has a checksum";
    }
    std::printf("%-38s %d found, %d without effect\n", file.c_str(), found, kFlipsOfOthers - found);
  }
}

}  // namespace
}  // namespace muster::process
