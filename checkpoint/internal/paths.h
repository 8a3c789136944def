// What lies where in a state directory, as far as the checkpoint owns it (docs/storage-format.md).
#pragma once

#include <string>

namespace muster::checkpoint {

inline std::string FormatPath(const std::string& state_dir) { return state_dir + "/FORMAT"; }
inline std::string LockPath(const std::string& state_dir) { return state_dir + "/lock"; }
inline std::string WitnessPath(const std::string& state_dir) { return state_dir + "/witness"; }
inline std::string DatabasePath(const std::string& state_dir) { return state_dir + "/db"; }
inline std::string StagePath(const std::string& state_dir) { return state_dir + "/stage"; }
inline std::string SpoolPath(const std::string& state_dir) { return state_dir + "/spool"; }

}  // namespace muster::checkpoint
