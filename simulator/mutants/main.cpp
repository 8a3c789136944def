// Runs seeds and says of each that is not clean why: a bug is planted in this program, so seeds
// crash, hang and fail, and the next ones are run all the same. For simulator/mutants/run.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/swarm/seed_run.h"

namespace muster::simulator {
namespace {

/// A thousand times what a seed takes: one that needs more hangs.
constexpr rlim_t kSecondsMost = 20;
constexpr unsigned kJobsMost = 64;
/// A line is one write, which no other worker's comes between.
constexpr std::size_t kWhatMost = 400;

struct Plan {
  std::uint64_t first = 1, last = 1;
  unsigned jobs = 1;
  Tier tier = Tier::model;
  std::string directory;  ///< Of Tier::rocksdb: each worker has its own below.
};

/// The seed that each worker is at, in memory that it shares with its parent.
using Places = std::uint64_t*;

void Say(std::uint64_t seed, std::string_view ending, std::string_view what) {
  std::string line = std::to_string(seed) + '\t' + std::string(ending) + '\t' +
                     std::string(what.substr(0, kWhatMost));
  std::ranges::replace(line, '\n', ' ');
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(1);
}

/// Counted from now on, in time of this process.
void LimitSeconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const rlim_t most =
      static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + kSecondsMost;
  const rlimit limit{most, RLIM_INFINITY};
  ::setrlimit(RLIMIT_CPU, &limit);
}

void RunOne(const Plan& plan, std::uint64_t seed, const std::string& directory) {
  const auto options = DrawOptions(seed, {{"store", static_cast<std::uint64_t>(plan.tier)}});
  if (!options) return Say(seed, "unfit", options.error().message);
  LimitSeconds();
  const SeedOutcome outcome = RunSeed({*options, std::nullopt, directory, false});
  if (outcome.ending != Ending::clean) Say(seed, EndingName(outcome.ending), outcome.what);
}

/// Every `plan.jobs`th seed, from the worker's place on.
[[noreturn]] void Work(const Plan& plan, unsigned job, Places places) {
  const std::string directory = plan.directory + "/" + std::to_string(job);
  if (plan.tier == Tier::rocksdb) std::filesystem::create_directories(directory);
  for (; places[job] <= plan.last; places[job] += plan.jobs) {
    RunOne(plan, places[job], directory);
  }
  std::fflush(nullptr);
  ::_exit(0);
}

/// Starts a worker in the place of one that a seed ended, behind that seed.
void RunAll(const Plan& plan, Places places) {
  std::map<pid_t, unsigned> workers;
  const auto start = [&](unsigned job) {
    const pid_t pid = ::fork();
    if (pid == 0) Work(plan, job, places);
    if (pid > 0) workers[pid] = job;
  };
  for (unsigned job = 0; job < plan.jobs; ++job) {
    places[job] = plan.first + job;
    start(job);
  }
  while (!workers.empty()) {
    int status = 0;
    const pid_t pid = ::wait(&status);
    const auto worker = workers.find(pid);
    if (worker == workers.end()) return;
    const unsigned job = worker->second;
    workers.erase(worker);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    const bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;
    Say(places[job], hangs ? "hang" : "crash",
        WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "exit");
    places[job] += plan.jobs;
    start(job);
  }
}

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Plan> PlanOf(int argc, char** argv) {
  if (argc != 6) return std::nullopt;
  const auto first = Number(argv[1]), last = Number(argv[2]), jobs = Number(argv[3]);
  const std::string_view tier = argv[4];
  if (!first || !last || !jobs || *jobs < 1 || *jobs > kJobsMost) return std::nullopt;
  if (tier != "model" && tier != "rocksdb") return std::nullopt;
  return Plan{*first, *last, static_cast<unsigned>(*jobs),
              tier == "model" ? Tier::model : Tier::rocksdb, argv[5]};
}

}  // namespace
}  // namespace muster::simulator

int main(int argc, char** argv) {
  using namespace muster::simulator;  // NOLINT: the program's own.
  const auto plan = PlanOf(argc, argv);
  if (!plan) {
    std::fprintf(stderr, "usage: mutant_seeds FIRST LAST JOBS model|rocksdb DIRECTORY\n");
    return 2;
  }
  void* const shared = ::mmap(nullptr, kJobsMost * sizeof(std::uint64_t), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  RunAll(*plan, static_cast<Places>(shared));
  return 0;
}
