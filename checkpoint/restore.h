// A state directory made of a mirror, once the original is lost.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/mirror.h"
#include "checkpoint/state_key.h"
#include "common/error.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster {

struct Restored {
  std::string job;         ///< Its name.
  Version newest = 0;      ///< Of those that are whole in the mirror: the state goes on from it.
  RoundRecord copy;        ///< Its content as a version of its own, the first of a new lineage.
  std::uint64_t held = 0;  ///< Versions that were copied whole.
  /// What the mirror knows that the lost coordinator committed: by its own records, by `announced`,
  /// or by chunks whose records its log lost.
  Version known = 0;
  /// What the lost coordinator announced last, as far as the mirror was told; nothing: not known.
  std::optional<Version> announced;
  DamagedVersions damaged;          ///< Held by the mirror, but not as they were written: left out.
  std::vector<std::string> damage;  ///< What else is damaged there, a sentence each.
  std::vector<std::string> costs;   ///< CostsOfCopy.
};

struct RestoreOrder {
  std::string mirror_dir;
  std::string state_dir;    ///< Made if absent. It must hold no state.
  StateKey key;             ///< Of the mirror; the new state gets it, too.
  std::uint64_t nonce = 0;  ///< Of the new lineage: drawn anew each time.
};

/// A lineage that a restore begins has the next multiple of this as its number. The lost state may
/// have begun some that the mirror never heard of: their participants then refuse the restored one
/// for good (unknown_lineage), and do not wait for it to become newer.
inline constexpr std::uint32_t kRestoreLineageStep = 1'000;

/// Verifies the mirror, copies it to STATE/restoring, begins a new lineage there with a copy of its
/// newest whole version, and moves all of it up. The records must verify; versions that are not
/// whole are left out. While STATE/restoring is there, no store opens STATE
/// (restore_unfinished); the same call makes a new try, whatever the last one left.
/// `progress` is called now and then with the version that is read.
/// Errors: already_exists (STATE holds a state, or a part of one), not_found (no mirror, or it
/// holds no version), state_in_use (a coordinator is at work on either), damage (of the records, or
/// no version is whole), unsupported (no number is left for a lineage), disk_full, io_failed, and
/// those of OpenCheckpointStore.
Result<Restored> RestoreState(const RestoreOrder& order,
                              const std::function<void(Version)>& progress);

}  // namespace muster
