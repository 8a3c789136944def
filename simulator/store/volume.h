// Where a coordinator's state lies, whatever is underneath: the real store and spool on a virtual
// disk (disk_volume.h), or a fast model of them (model_volume.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "simulator/disk/virtual_disk.h"
#include "simulator/store/flip.h"

namespace muster::simulator {

/// What can be told to fail. Names are as the disk sees it: the store's batches go to its log.
enum class VolumeOperation : std::uint8_t {
  batch_write,
  batch_sync,
  version_sync,  ///< Of a version's chunks, in Finish.
  spool_write,
  spool_sync,
};
inline constexpr std::uint64_t kVolumeOperations = 5;

/// One machine's disk with one state directory on it. What was opened before a power cut fails
/// after it; whoever opened it drops it before the next open.
class StateVolume {
 public:
  virtual ~StateVolume() = default;

  /// As OpenCheckpointStore and OpenSpool.
  virtual Result<std::unique_ptr<CheckpointStore>> OpenStore(OpenMode mode) = 0;
  virtual Result<std::unique_ptr<Spool>> OpenSpool() = 0;
  /// Flushes and merges now what the store would flush and merge by itself some time.
  virtual Status RunUpkeep(CheckpointStore& store) = 0;

  virtual bool powered() const = 0;
  /// Everything fails until Restart. What was not synced goes as `unsynced` says.
  virtual void CutPower(Unsynced unsynced) = 0;
  virtual void Restart() = 0;
  virtual std::uint64_t free_bytes() const = 0;

  // --- What else may go wrong --------------------------------------------------------------------
  /// While it is full, whatever needs more room answers disk_full and does nothing: an open to
  /// write, a batch, a version, the removal of one, a spool that has to grow.
  virtual void SetFull(bool full) = 0;
  /// The next operation of this kind fails with io_failed, and the process must end: whether what
  /// it was about is there after that, no start knows before it looks.
  virtual void FailNext(VolumeOperation operation) = 0;
  /// Whether an operation of the process that runs, or of the start under way, may just have failed
  /// like this: it is full, or was told to fail and did. A disk that does not know says yes.
  virtual bool Excuses(Reason /*failure*/) const { return true; }
  /// A bit of one stored thing, chosen by `draw`, turns over: whoever reads the thing next finds
  /// damage, or in the spool other bytes than were written. Returns what it was; none: nothing is
  /// stored yet.
  virtual std::optional<Flip> Rot(std::uint64_t draw) = 0;
  /// The state to read, as far as damage leaves it: OpenDamagedToRead.
  virtual Result<std::unique_ptr<CheckpointStore>> OpenDamaged() = 0;
  /// The disk of another machine, with what is durable on this one now. Null: not of this kind.
  virtual std::shared_ptr<StateVolume> Copy() const = 0;
};

}  // namespace muster::simulator
