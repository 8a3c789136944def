#include "checkpoint/rocksdb_version.h"

#include <rocksdb/version.h>

namespace muster {

std::string LoadedRocksDbVersion() { return rocksdb::GetRocksVersionAsString(); }

}  // namespace muster
