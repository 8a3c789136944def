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
  checkpoint::Upkeep upkeep = checkpoint::Upkeep::by_hand;
  StateKey key;                             ///< Of the state, if it is encrypted.
  std::vector<TracedOperation> operations;  ///< Numbered without a gap.
  RunResult result;

  const TracedOperation& At(const CrashPoint& point) const {
    return operations.at(point.operation - operations.front().planned.number);
  }
};
/// `state_dir` is a directory of this run alone. With Upkeep::eager, RocksDB flushes and merges in
/// threads of its own: then the numbers of operations move a little from run to run.
Reference RunUndisturbed(const std::string& state_dir, const StateKey& key,
                         checkpoint::Upkeep upkeep);

/// What came of one crash.
struct CrashedRun {
  std::optional<TracedOperation> hit;  ///< The operation; none if the run ended before.
  std::string broken;                  ///< The broken promise; empty if all were kept.
};
/// Crashes one run there. Every promise is kept if the run ends with the reference's digests.
/// `liar`: a file kind of which every sync does nothing and says that it did, for showing that the
/// sync is needed; empty: none.
CrashedRun RunCrashed(const Reference& reference, const CrashPoint& point,
                      const std::string& state_dir, const std::string& liar);

/// Every operation in every variant, but for those that cannot differ: only writes and syncs can be
/// torn.
std::vector<CrashPoint> AllCrashPoints(const Reference& reference);

/// `count` points within the reference's length, each drawn by the seed. Torn means before where
/// the operation cannot be torn.
std::vector<CrashPoint> RandomCrashPoints(const Reference& reference, std::uint64_t count,
                                          std::uint64_t seed);

}  // namespace muster::simulator
