// The RocksDB that this process runs with: what `muster doctor` tells.
#pragma once

#include <string>

namespace muster {

/// "7.8.3"
std::string LoadedRocksDbVersion();

}  // namespace muster
