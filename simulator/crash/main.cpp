// crash_enumeration: crashes the scenario at every operation and prints what was tried.
//
//   crash_enumeration                    every point
//   crash_enumeration --share 1/16 --seed 7   a sixteenth of them, drawn by the seed
//   crash_enumeration --point 812:torn   one point again
//   crash_enumeration --lie spool --first   shows that the syncs of the spool are needed
#include <stdlib.h>

#include <CLI/CLI.hpp>
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

namespace muster::simulator {
namespace {

struct Options {
  std::string share = "1/1";
  std::uint64_t seed = 1;
  std::string point;
  std::string liar;
  bool first = false;
  bool encrypted = false;
  unsigned jobs = 2;
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

std::string Describe(const Reference& reference, const CrashPoint& point) {
  const TracedOperation& operation = reference.At(point);
  return std::to_string(point.operation) + ":" + std::string(CrashVariantName(point.variant)) +
         " (" + std::string(DiskOperationName(operation.planned.operation)) + " of " +
         std::string(FileKind(operation.planned.path)) + " in " + operation.phase + ")";
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

void PrintTable(const Reference& reference, const std::vector<CrashPoint>& points) {
  std::map<std::string, std::map<std::string, int>> counts;
  std::map<std::string, int> phases;
  for (const CrashPoint& point : points) {
    const TracedOperation& operation = reference.At(point);
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

/// Returns how many points broke a promise.
std::size_t Crash(const Reference& reference, const std::vector<CrashPoint>& points,
                  const std::string& directory, const Options& options) {
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> broken = 0;
  std::mutex printing;
  std::vector<std::thread> threads;
  for (unsigned job = 0; job < options.jobs; ++job) {
    threads.emplace_back([&, state_dir = directory + "/" + std::to_string(job)] {
      for (std::size_t i = next++; i < points.size(); i = next++) {
        const auto difference = RunCrashed(reference, points[i], state_dir, options.liar);
        if (!difference) continue;
        if (options.first) next = points.size();
        ++broken;
        const std::lock_guard guard(printing);
        std::printf("BROKEN at %s: %s\n", Describe(reference, points[i]).c_str(),
                    difference->c_str());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return broken;
}

std::optional<std::vector<CrashPoint>> Choose(const Reference& reference, const Options& options) {
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
  const TempDirectory directory;
  const auto begin = std::chrono::steady_clock::now();
  const StateKey key = options.encrypted ? StateKey(RandomSecret(kAesKeyBytes)) : StateKey();
  const Reference reference = RunUndisturbed(directory.path() + "/undisturbed", key);
  if (!reference.result.finished || !reference.result.violations.empty()) {
    std::printf("the undisturbed run fails: %s\n",
                reference.result.violations.empty() ? reference.result.waiting.c_str()
                                                    : reference.result.violations.front().c_str());
    return 1;
  }
  const auto points = Choose(reference, options);
  if (!points) return 2;
  std::printf("%zu operations, %zu points, seed %llu\n", reference.operations.size(),
              points->size(), static_cast<unsigned long long>(options.seed));
  PrintTable(reference, *points);
  const std::size_t broken = Crash(reference, *points, directory.path(), options);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  std::printf("%zu points crashed in %.1f s: %zu broke a promise\n", points->size(), spent.count(),
              broken);
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace muster::simulator

int main(int argc, char** argv) {
  CLI::App app{"Crashes a simulated federation at every operation on its disk."};
  muster::simulator::Options options;
  app.add_option("--share", options.share, "crash a part of the points, 1/N");
  app.add_option("--seed", options.seed, "draws the part");
  app.add_option("--point", options.point, "crash one point, OPERATION:VARIANT");
  app.add_option("--lie", options.liar,
                 "every sync of this kind of file does nothing, as in the printed table");
  app.add_flag("--encrypted", options.encrypted, "the coordinator's state is encrypted");
  app.add_flag("--first", options.first, "stop at the first broken promise");
  app.add_option("--jobs", options.jobs, "runs at a time")->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  return muster::simulator::Main(options);
}
