// Crash enumeration: every operation of the scenario's run on its disk, times every way to die
// there; after each crash the run goes on, and its promises and its digest are judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulator/crash/scenario.h"

namespace muster::simulator {

enum class CrashVariant : std::uint8_t {
  before,       ///< The operation was not done; what was not synced is lost.
  torn,         ///< A part of it was done; what was not synced is kept, lost or torn by draw.
  after,        ///< It was done, and nobody was told; what was not synced is lost.
  before_word,  ///< The process goes on up to the next message or notice; unsynced bytes are lost.
  killed,       ///< As before_word, but the process alone dies: nothing that was written is lost.
};
inline constexpr CrashVariant kCrashVariants[] = {CrashVariant::before, CrashVariant::torn,
                                                  CrashVariant::after, CrashVariant::before_word,
                                                  CrashVariant::killed};
std::string_view CrashVariantName(CrashVariant variant);

/// One operation of the undisturbed run.
struct TracedOperation {
  PlannedOperation planned;
  std::string phase;  ///< The coordinator's at that moment.
};

struct CrashPoint {
  std::uint64_t operation = 0;  ///< Its number.
  CrashVariant variant = CrashVariant::before;
};

/// What of the state directory an operation is about: wal, manifest, version, spool, ...
std::string_view FileKind(const std::string& path);

/// The undisturbed run: its operations and what it computes.
struct Reference {
  StateKey key;                             ///< Of the state, if it is encrypted.
  std::vector<TracedOperation> operations;  ///< Numbered without a gap.
  RunResult result;

  const TracedOperation& At(const CrashPoint& point) const {
    return operations.at(point.operation - operations.front().planned.number);
  }
};
/// `state_dir` is a directory of this run alone.
Reference RunUndisturbed(const std::string& state_dir, const StateKey& key);

/// Crashes one run there. Nothing: every promise was kept and the digest is the same. Otherwise
/// what went wrong. `liar`: a file kind of which every sync does nothing and says that it did, for
/// showing that the sync is needed; empty: none.
std::optional<std::string> RunCrashed(const Reference& reference, const CrashPoint& point,
                                      const std::string& state_dir, const std::string& liar);

/// Every operation in every variant, but for those that cannot differ: only writes and syncs can be
/// torn.
std::vector<CrashPoint> AllCrashPoints(const Reference& reference);

}  // namespace muster::simulator
