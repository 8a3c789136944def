// What a model volume holds, and its faults: shared by the store and the spool that are open on it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/random.h"
#include "simulator/store/batch_state.h"
#include "simulator/store/volume.h"

namespace muster::simulator {

/// Where messages say that something lies.
inline constexpr const char* kModelDatabase = "the model store";
inline constexpr const char* kModelSpool = "the model spool";

/// A file whose writes wait for a sync, each sector of them for itself.
class ModelFile {
 public:
  std::uint64_t size() const { return now_.size(); }
  /// Zeros behind the end, durably, with all that was written before.
  void Grow(std::uint64_t size);
  void Write(std::uint64_t offset, ByteSpan bytes);
  /// REQUIRES: within the file.
  ByteSpan Read(std::uint64_t offset, std::uint64_t size) const;
  void Sync();
  /// What a failed sync leaves: later ones say nothing of these bytes any more.
  void Forget();
  void FlipBit(std::uint64_t bit);
  /// All that is there becomes durable, as it is after the power came back.
  void Cut(Unsynced unsynced, KeyedStream* random);
  /// What another machine gets.
  ModelFile Durable() const;
  const Bytes& durable() const { return durable_; }

 private:
  struct Range {
    std::uint64_t offset = 0, size = 0;
  };
  void Copy(const Bytes& from, const Range& range, Bytes* to) const;

  Bytes now_, durable_;
  std::vector<Range> unsynced_;   ///< In the order of their writes.
  std::vector<Range> forgotten_;  ///< Their pages are clean, and their bytes are not on the disk.
};

/// The chunks of one version. Never changed once they are there, but by rot.
using ModelChunks = std::shared_ptr<const std::vector<Bytes>>;

/// Not thread-safe.
struct ModelDisk {
  explicit ModelDisk(std::uint64_t drawn_seed) : seed(drawn_seed), random(drawn_seed, "disk", {}) {}

  // --- The machine -------------------------------------------------------------------------------
  const std::uint64_t seed;
  KeyedStream random;
  bool powered = true;
  std::uint64_t life = 1;  ///< Counts the power cuts. What was opened in one fails in the next.
  bool full = false;
  std::optional<VolumeOperation> fails_next;
  bool failed = false;  ///< It did, since the store was opened last.
  std::uint64_t copies = 0;

  // --- What lies there ---------------------------------------------------------------------------
  bool made = false;        ///< A store was opened to be written once.
  bool in_use = false;      ///< By a writer.
  BatchState now, durable;  ///< `durable` plus `unsynced` is `now`.
  std::vector<Batch> unsynced;
  std::map<Version, ModelChunks> chunks;
  ModelFile spool;
  std::uint64_t extent_bytes = 0;  ///< As the spool was laid out last.

  // --- What rotted -------------------------------------------------------------------------------
  std::set<Version> rotten_records, rotten_manifests;
  std::string rotten_key;  ///< One of those that every start reads; empty: none.

  /// Errors: io_failed, of whoever opened something in an earlier life or has no power.
  Status CheckAlive(std::uint64_t of) const;
  /// Whether the next operation of this kind fails; the one after it does not.
  bool Fails(VolumeOperation operation);
  void SettleBatches(std::size_t count);
  void SettleBatches() { SettleBatches(unsynced.size()); }
  void Cut(Unsynced how);
};

}  // namespace muster::simulator
