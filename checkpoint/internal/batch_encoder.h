// A Batch as changes of keys: which mutation writes which.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "checkpoint/internal/database.h"
#include "common/ids.h"
#include "protocol/records.h"

namespace muster::checkpoint {

/// What the writer knows of the database without asking it.
struct StoreIndex {
  std::uint64_t batch_number = 0;  ///< Of the last batch written; 0: none.
  std::optional<Version> head;
  /// Of the keys that ClearAccepted may delete, the round that each counts in.
  std::map<UpdateId, Round> accepted;
  std::set<Version> versions;  ///< Those with a manifest.
  std::set<Version> stored;    ///< Those with chunks; no batch changes it.
};

/// What the index becomes if the batch is written. Kept apart from it: a full disk refuses batches.
struct IndexChange {
  std::uint64_t batch_number = 0;
  std::optional<Version> head;
  std::map<UpdateId, Round> accepted;
  std::set<UpdateId> cleared;  ///< After those above were added.
  std::vector<Version> versions;
  void ApplyTo(StoreIndex* index) const;
};

/// A batch as keys, its number included.
struct EncodedBatch {
  std::vector<KeyChange> changes;
  IndexChange index;
};

EncodedBatch EncodeBatch(const Batch& batch, const StoreIndex& index);

}  // namespace muster::checkpoint
