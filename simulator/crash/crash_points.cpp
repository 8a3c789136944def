#include "simulator/crash/crash_points.h"

#include <utility>

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

Reference RunUndisturbed(const std::string& state_dir, const StateKey& key) {
  Reference reference;
  reference.key = key;
  Scenario scenario(state_dir, key);
  Federation& federation = scenario.federation();
  federation.disk().SetPlan([&](const PlannedOperation& planned) {
    const CoordinatorNode& coordinator = federation.coordinator();
    reference.operations.push_back({planned, coordinator.phase()});
    return Verdict::done;
  });
  reference.result = scenario.Run();
  federation.disk().SetPlan({});
  return reference;
}

std::optional<std::string> RunCrashed(const Reference& reference, const CrashPoint& point,
                                      const std::string& state_dir, const std::string& liar) {
  Scenario scenario(state_dir, reference.key);
  Federation& federation = scenario.federation();
  bool reached = false;
  federation.disk().SetUnsynced(point.variant == CrashVariant::torn ? Unsynced::mixed
                                                                    : Unsynced::lost);
  federation.disk().SetPlan([&](const PlannedOperation& planned) {
    if (planned.number != point.operation) {
      const bool lies = IsSync(planned.operation) && FileKind(planned.path) == liar;
      return lies ? Verdict::lies : Verdict::done;
    }
    reached = true;
    if (point.variant == CrashVariant::before_word) {
      federation.coordinator().DieBeforeTheNextWord(Unsynced::lost);
    }
    if (point.variant == CrashVariant::killed) {
      federation.coordinator().DieBeforeTheNextWord(Unsynced::kept);
    }
    return VerdictFor(point.variant);
  });
  const RunResult run = scenario.Run();
  federation.disk().SetPlan({});
  if (!reached) return "the run ended before its operation";
  std::string difference = Differences(run, reference.result);
  if (difference.empty()) return std::nullopt;
  return difference;
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

}  // namespace muster::simulator
