// Where a coordinator's state lies, whatever is underneath: the real store and spool on a virtual
// disk (disk_volume.h), or a fast model of them.
#pragma once

#include <cstdint>
#include <memory>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "simulator/disk/virtual_disk.h"

namespace muster::simulator {

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
};

}  // namespace muster::simulator
