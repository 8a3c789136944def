// A virtual disk as RocksDB, the store and the spool see it.
#pragma once

#include <memory>

#include "checkpoint/internal/file_system.h"
#include "simulator/disk/virtual_disk.h"

namespace muster::simulator {

/// For one life of the disk: after a power cut every call fails, as in a process that is no more.
/// Text logs of RocksDB are dropped, and no operation of them is counted. Thread-safe; keeps the
/// disk alive.
checkpoint::FileSystemPtr Mount(std::shared_ptr<VirtualDisk> disk);

/// How many threads all databases of this process share for flushes, and as many for merges. After
/// a flush that failed RocksDB keeps one busy for a second.
void SetDatabaseThreads(unsigned count);

}  // namespace muster::simulator
