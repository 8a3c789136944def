// A state directory made of a mirror, once the original is lost.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "checkpoint/state_key.h"
#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster {

struct Restored {
  std::string job;         ///< Its name.
  Version newest = 0;      ///< Of the mirror: what the state goes on from.
  RoundRecord copy;        ///< Its content as a version of its own, the first of a new lineage.
  std::uint64_t held = 0;  ///< Versions that were copied whole.
  /// What the lost coordinator announced last, as far as the mirror was told; nothing: not known.
  std::optional<Version> announced;
};

struct RestoreOrder {
  std::string mirror_dir;
  std::string state_dir;    ///< Made if absent. It must hold no state.
  StateKey key;             ///< Of the mirror; the new state gets it, too.
  std::uint64_t nonce = 0;  ///< Of the new lineage: drawn anew each time.
};

/// Verifies the mirror, copies it to STATE/restoring, begins a new lineage there with a copy of its
/// newest version, and moves all of it up. While STATE/restoring is there, no store opens STATE
/// (restore_unfinished); the same call makes a new try, whatever the last one left.
/// `progress` is called now and then with the version that is read.
/// Errors: already_exists (STATE holds a state, or a part of one), not_found (no mirror, or it
/// holds no version), state_in_use (a coordinator is at work on either), damage, disk_full,
/// io_failed, and those of OpenCheckpointStore.
Result<Restored> RestoreState(const RestoreOrder& order,
                              const std::function<void(Version)>& progress);

}  // namespace muster
