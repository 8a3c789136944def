// What is asked before a database that a full disk has stopped is opened again.
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

#include <string>

#include "checkpoint/internal/database.h"
#include "checkpoint/internal/files.h"

namespace muster::checkpoint {

Status Database::CheckRoom(std::uint64_t needed) {
  std::uint64_t free_bytes = 0;
  const rocksdb::IOStatus status = files_->GetFreeSpace(path_, {}, &free_bytes, nullptr);
  if (!status.ok()) return ErrorOf(status, "look for free space at " + path_);
  if (free_bytes >= needed) return {};
  return Error{Reason::disk_full, "the disk of " + path_ + " has " + std::to_string(free_bytes) +
                                      " bytes left; " + std::to_string(needed) +
                                      " are needed to go on"};
}

// A log that is damaged ends there for RocksDB, without a word, and to open it for writing throws
// away what lies behind: batches that this process goes on from, in memory. A start finds by the
// witness that they are missing, if nothing was written since.
Status Database::CheckLogHoldsAll() {
  const auto number_in = [](const Database& database) -> Result<std::uint64_t> {
    auto value = database.GetLocked(Family::meta, kBatchNumberKey);
    MUSTER_TRY(value);
    const bool whole = *value && (*value)->size() == sizeof(std::uint64_t);
    return whole ? LoadLittle<std::uint64_t>(AsBytes(**value), 0) : 0;
  };
  if (db_) {
    auto applied = number_in(*this);
    MUSTER_TRY(applied);
    applied_ = *applied;
  }
  auto look = OpenForReading(files_, path_, ring_, trust_);
  if (!look && look.error().reason != Reason::damage) return look.error();
  std::string found = look ? "" : look.error().message;
  if (look) {
    auto held = number_in(**look);
    MUSTER_TRY(held);
    if (*held >= applied_) return {};
    found = "the log ends at batch " + std::to_string(*held);
  }
  return Error{Reason::io_failed, path_ + " was damaged while it was open: batch " +
                                      std::to_string(applied_) + " was written, but " + found +
                                      "; restart to see what can be done"};
}

}  // namespace muster::checkpoint
