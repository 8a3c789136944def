// crash_enumeration: crashes the scenario at every operation and prints what was tried.
//
//   crash_enumeration                    every point
//   crash_enumeration --share 1/16 --seed 7   a sixteenth of them, drawn by the seed
//   crash_enumeration --point 812:torn   one point again
//   crash_enumeration --random 1000      points drawn anew, RocksDB flushing and merging in threads
//                                        of its own: such a point does not replay exactly
//   crash_enumeration --lie spool --first   shows that the syncs of the spool are needed
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/aes_gcm.h"
#include "common/random.h"
#include "simulator/crash/crash_points.h"
#include "simulator/disk/file_system.h"

namespace muster::simulator {
namespace {

/// Random points drawn for each that is wanted: a run may end before the operation of its point.
constexpr std::uint64_t kDrawnForOne = 3;

struct Options {
  std::string share = "1/1";
  std::uint64_t seed = 1;
  std::string point;
  std::uint64_t random = 0;
  std::string liar;
  bool first = false;
  bool encrypted = false;
  /// RocksDB waits a second after a flush that failed: more runs at a time than there are cores.
  unsigned jobs = 4 * std::max(1U, std::thread::hardware_concurrency());
};

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "muster-crash-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string Describe(const CrashPoint& point, const std::optional<TracedOperation>& hit) {
  const std::string name =
      std::to_string(point.operation) + ":" + std::string(CrashVariantName(point.variant));
  if (!hit) return name;
  return name + " (" + std::string(DiskOperationName(hit->planned.operation)) + " of " +
         std::string(FileKind(hit->planned.path)) + " in " + hit->phase + ")";
}

std::vector<CrashPoint> Draw(const std::vector<CrashPoint>& all, std::uint64_t of,
                             std::uint64_t seed) {
  std::vector<CrashPoint> drawn;
  for (const CrashPoint& point : all) {
    const auto variant = static_cast<std::uint64_t>(point.variant);
    if (KeyedNumber(seed, "crash", {point.operation, variant}) % of == 0) drawn.push_back(point);
  }
  return drawn;
}

void PrintTable(const std::vector<TracedOperation>& hits) {
  std::map<std::string, std::map<std::string, int>> counts;
  std::map<std::string, int> phases;
  for (const TracedOperation& operation : hits) {
    ++counts[std::string(FileKind(operation.planned.path))][operation.phase];
    ++phases[operation.phase];
  }
  std::printf("%-20s", "points by file");
  for (const auto& [phase, count] : phases) std::printf(" %10s", phase.c_str());
  std::printf("\n");
  for (const auto& [kind, by_phase] : counts) {
    std::printf("%-20s", kind.c_str());
    for (const auto& [phase, unused] : phases) {
      const auto found = by_phase.find(phase);
      std::printf(" %10d", found == by_phase.end() ? 0 : found->second);
    }
    std::printf("\n");
  }
  std::printf("%-20s", "all");
  for (const auto& [phase, count] : phases) std::printf(" %10d", count);
  std::printf("\n");
}

struct Outcome {
  std::vector<TracedOperation> hits;  ///< Where the runs were crashed, in no order.
  std::size_t broken = 0;
};

/// Crashes the points one after another in several threads, and says how far it is.
class Crasher {
 public:
  Crasher(const Reference& reference, const std::vector<CrashPoint>& points, const Options& options)
      : reference_(reference), points_(points), options_(options) {}

  Outcome Run(const std::string& directory) {
    std::vector<std::thread> threads;
    for (unsigned job = 0; job < options_.jobs; ++job) {
      threads.emplace_back([this, state_dir = directory + "/" + std::to_string(job)] {
        for (std::size_t i = next_++; i < points_.size(); i = next_++) {
          Judge(points_[i], RunCrashed(reference_, points_[i], state_dir, options_.liar));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return outcome_;
  }

 private:
  void Judge(const CrashPoint& point, CrashedRun run) {
    const std::lock_guard guard(mutex_);
    // With the database's own threads a run may be shorter than the one that the point is of.
    if (!run.hit && options_.random == 0) run.broken = "the run ended before its operation";
    if (run.hit) outcome_.hits.push_back(*run.hit);
    if (outcome_.hits.size() == options_.random) next_ = points_.size();
    if (!run.broken.empty()) {
      ++outcome_.broken;
      if (options_.first) next_ = points_.size();
      std::printf("BROKEN at %s: %s\n", Describe(point, run.hit).c_str(), run.broken.c_str());
    }
    ++done_;
    const auto now = std::chrono::steady_clock::now();
    if (now < told_at_ + kTellEvery) return;
    told_at_ = now;
    std::fprintf(stderr, "%zu runs of at most %zu\n", done_, points_.size());
  }

  static constexpr std::chrono::seconds kTellEvery{10};

  const Reference& reference_;
  const std::vector<CrashPoint>& points_;
  const Options& options_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  ///< Guards what follows.
  Outcome outcome_;
  std::size_t done_ = 0;
  std::chrono::steady_clock::time_point told_at_ = std::chrono::steady_clock::now();
};

std::optional<std::vector<CrashPoint>> Choose(const Reference& reference, const Options& options) {
  if (options.random > 0) {
    return RandomCrashPoints(reference, kDrawnForOne * options.random, options.seed);
  }
  std::vector<CrashPoint> all = AllCrashPoints(reference);
  if (!options.point.empty()) {
    const std::size_t colon = options.point.find(':');
    for (const CrashPoint& point : all) {
      const std::string name =
          std::to_string(point.operation) + ":" + std::string(CrashVariantName(point.variant));
      if (colon != std::string::npos && name == options.point) return {{point}};
    }
    std::fprintf(stderr, "there is no point %s\n", options.point.c_str());
    return std::nullopt;
  }
  unsigned long long part = 0;
  unsigned long long of = 0;
  if (std::sscanf(options.share.c_str(), "%llu/%llu", &part, &of) != 2 || part != 1 || of == 0) {
    std::fprintf(stderr, "--share is 1/N\n");
    return std::nullopt;
  }
  return Draw(all, of, options.seed);
}

int Main(const Options& options) {
  SetDatabaseThreads(options.jobs);
  const TempDirectory directory;
  const auto begin = std::chrono::steady_clock::now();
  const StateKey key = options.encrypted ? StateKey(RandomSecret(kAesKeyBytes)) : StateKey();
  const Reference reference =
      RunUndisturbed(directory.path() + "/undisturbed", key,
                     options.random > 0 ? checkpoint::Upkeep::eager : checkpoint::Upkeep::by_hand);
  if (!reference.result.finished || !reference.result.violations.empty()) {
    std::printf("the undisturbed run fails: %s\n",
                reference.result.violations.empty() ? reference.result.waiting.c_str()
                                                    : reference.result.violations.front().c_str());
    return 1;
  }
  const auto points = Choose(reference, options);
  if (!points) return 2;
  std::printf("%zu operations, %zu points, seed %llu\n", reference.operations.size(),
              options.random > 0 ? static_cast<std::size_t>(options.random) : points->size(),
              static_cast<unsigned long long>(options.seed));
  const Outcome outcome = Crasher(reference, *points, options).Run(directory.path());
  PrintTable(outcome.hits);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  std::printf("%zu points crashed in %.1f s: %zu broke a promise\n", outcome.hits.size(),
              spent.count(), outcome.broken);
  return outcome.broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace muster::simulator

int main(int argc, char** argv) {
  CLI::App app{"Crashes a simulated federation at every operation on its disk."};
  muster::simulator::Options options;
  app.add_option("--share", options.share, "crash a part of the points, 1/N");
  app.add_option("--seed", options.seed, "draws the part");
  app.add_option("--point", options.point, "crash one point, OPERATION:VARIANT");
  app.add_option("--random", options.random,
                 "crash so many points drawn at random, the database flushing by itself");
  app.add_option("--lie", options.liar,
                 "every sync of this kind of file does nothing, as in the printed table");
  app.add_flag("--encrypted", options.encrypted, "the coordinator's state is encrypted");
  app.add_flag("--first", options.first, "stop at the first broken promise");
  app.add_option("--jobs", options.jobs, "runs at a time")->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  return muster::simulator::Main(options);
}
