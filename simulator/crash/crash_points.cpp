#include "simulator/crash/crash_points.h"

#include <iterator>
#include <utility>

#include "common/random.h"

namespace muster::simulator {
namespace {

bool IsSync(DiskOperation operation) {
  return operation == DiskOperation::sync || operation == DiskOperation::sync_directory;
}

bool CanBeTorn(DiskOperation operation) {
  return operation == DiskOperation::write || IsSync(operation);
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// How the run goes wrong at the point: asked by the disk before each operation.
Verdict VerdictFor(CrashVariant variant) {
  switch (variant) {
    case CrashVariant::before:
      return Verdict::cut_before;
    case CrashVariant::torn:
      return Verdict::cut_torn;
    case CrashVariant::after:
      return Verdict::cut_after;
    case CrashVariant::before_word:
    case CrashVariant::killed:
      break;
  }
  return Verdict::done;
}

std::string Differences(const RunResult& run, const RunResult& reference) {
  if (!run.violations.empty()) return run.violations.front();
  if (!run.finished) return "it stands still: " + run.waiting;
  if (run.digest != reference.digest) return "another digest";
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    if (run.records[i].digest != reference.records[i].digest) {
      return "version " + std::to_string(i + 1) + " has another digest";
    }
  }
  return "";
}

}  // namespace

std::string_view CrashVariantName(CrashVariant variant) {
  switch (variant) {
    case CrashVariant::before:
      return "before";
    case CrashVariant::torn:
      return "torn";
    case CrashVariant::after:
      return "after";
    case CrashVariant::before_word:
      return "before_word";
    case CrashVariant::killed:
      return "killed";
  }
  return "unknown";
}

std::string_view FileKind(const std::string& path) {
  if (Contains(path, "/stage")) return "staged version";
  if (Contains(path, "/db/") && path.ends_with(".log")) return "write-ahead log";
  if (Contains(path, "/db/MANIFEST")) return "database manifest";
  if (path.ends_with(".sst")) return "sorted file";
  if (Contains(path, "/db")) return "database, other";
  if (Contains(path, "/spool")) return "spool";
  if (Contains(path, "/witness")) return "witness";
  if (Contains(path, "/FORMAT")) return "FORMAT";
  if (Contains(path, "/keys")) return "keys";
  return "state directory";
}

Reference RunUndisturbed(const std::string& state_dir, const StateKey& key,
                         checkpoint::Upkeep upkeep) {
  Reference reference;
  reference.key = key;
  reference.upkeep = upkeep;
  Scenario scenario(state_dir, key, upkeep);
  Federation& federation = scenario.federation();
  federation.disk().SetPlan([&](const PlannedOperation& planned) {
    reference.operations.push_back(
        {planned, std::string(coordinator::PhaseName(federation.coordinator().phase()))});
    return Verdict::done;
  });
  reference.result = scenario.Run();
  federation.disk().SetPlan({});
  return reference;
}

CrashedRun RunCrashed(const Reference& reference, const CrashPoint& point,
                      const std::string& state_dir, const std::string& liar) {
  Scenario scenario(state_dir, reference.key, reference.upkeep);
  Federation& federation = scenario.federation();
  CrashedRun crashed;
  federation.disk().SetUnsynced(point.variant == CrashVariant::torn ? Unsynced::mixed
                                                                    : Unsynced::lost);
  federation.disk().SetPlan([&](const PlannedOperation& planned) {
    if (planned.number != point.operation) {
      const bool lies = IsSync(planned.operation) && FileKind(planned.path) == liar;
      return lies ? Verdict::lies : Verdict::done;
    }
    crashed.hit = TracedOperation{
        planned, std::string(coordinator::PhaseName(federation.coordinator().phase()))};
    if (point.variant == CrashVariant::before_word) {
      federation.coordinator().DieBeforeTheNextWord(Unsynced::lost);
    }
    if (point.variant == CrashVariant::killed) {
      federation.coordinator().DieBeforeTheNextWord(Unsynced::kept);
    }
    const bool whole = point.variant == CrashVariant::torn && !CanBeTorn(planned.operation);
    return whole ? Verdict::cut_before : VerdictFor(point.variant);
  });
  const RunResult run = scenario.Run();
  federation.disk().SetPlan({});
  crashed.broken = Differences(run, reference.result);
  return crashed;
}

std::vector<CrashPoint> AllCrashPoints(const Reference& reference) {
  std::vector<CrashPoint> points;
  for (const TracedOperation& operation : reference.operations) {
    for (const CrashVariant variant : kCrashVariants) {
      if (variant == CrashVariant::torn && !CanBeTorn(operation.planned.operation)) continue;
      points.push_back({operation.planned.number, variant});
    }
  }
  return points;
}

std::vector<CrashPoint> RandomCrashPoints(const Reference& reference, std::uint64_t count,
                                          std::uint64_t seed) {
  std::vector<CrashPoint> points;
  const std::uint64_t first = reference.operations.front().planned.number;
  for (std::uint64_t i = 0; i < count; ++i) {
    KeyedStream random(seed, "crash", {i});
    const std::uint64_t operation = first + random.Below(reference.operations.size());
    points.push_back({operation, kCrashVariants[random.Below(std::size(kCrashVariants))]});
  }
  return points;
}

}  // namespace muster::simulator
