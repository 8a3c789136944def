// What damage to a stored state costs, and how to go on without what is lost. Nobody loses anything
// unasked: AssessLoss only looks, and AcceptLoss is what a person orders with --accept-loss.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/state_key.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster {

/// Everything that is stored was read to make it.
struct Loss {
  std::vector<std::string> damage;  ///< A sentence for each thing that is damaged; empty: nothing.
  bool acceptable = true;           ///< False: no version can be trusted, another copy must help.
  Version head = 0;                 ///< The newest version that anybody knows of.
  Version good = 0;                 ///< The newest that is whole, or follows from what is.
  std::vector<Version> damaged;     ///< Versions whose chunks are not as written; ascending.
  bool new_lineage = false;         ///< What the run goes on from is lost: head, a part of the log,
                                    ///< or accepted updates. Otherwise nothing is but old versions.
  std::uint32_t lineage = 0;        ///< The newest lineage that there is.
  std::uint64_t lost_updates = 0;   ///< Accepted ones, as far as the records tell.
  bool lost_updates_exact = true;   ///< False: records are lost as well, so it is a lower bound.
  std::uint64_t lost_batches = 0;   ///< Synced ones that the log lost, at least.
  std::vector<std::string> costs;   ///< CostsOfCopy, where new_lineage is said.
};

/// Reads the whole of a state directory, changes nothing. `told`: the newest version that was
/// announced, by whatever remembers it; 0: unknown. Errors: not_found (there is no state),
/// unsupported, io_failed, those of a key that does not fit.
Result<Loss> AssessLoss(const std::string& state_dir, Version told, const StateKey& key = {});

/// What is good, what going on would lose, and what to do; empty if nothing is damaged.
std::string LossText(const Loss& loss);

/// "3 accepted updates", "at least 1 accepted update".
std::string LostUpdatesText(const Loss& loss);

struct LossOrder {
  Version told = 0;                 ///< As of AssessLoss; the next version's number is above it.
  std::uint64_t lineage_nonce = 0;  ///< Drawn anew each time.
  /// Stores the chunks of a head that is whole but not stored. Errors: damage, disk_full,
  /// io_failed.
  std::function<Status(CheckpointStore&)> store_head;
};

/// Goes on from what is good: where new_lineage is said, a copy of `good` (copy_version.h) begins a
/// new lineage and becomes head; chunks of damaged versions are removed; witness and FORMAT are
/// made anew. Then the state opens, and verifies. Without damage it does nothing. A crash at any
/// moment leaves a state that is damaged still, or one where nothing is lost beyond what was
/// accepted; calling it again goes on. Returns what was lost. Errors: damage (not acceptable; the
/// message says what helps), state_in_use (damaged or not), disk_full, those of AssessLoss and of
/// store_head.
Result<Loss> AcceptLoss(const std::string& state_dir, const LossOrder& order,
                        const StateKey& key = {});

}  // namespace muster
