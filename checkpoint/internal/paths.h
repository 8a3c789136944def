// What lies where in a state directory, as far as the checkpoint owns it (docs/storage-format.md).
#pragma once

#include <string>

namespace muster::checkpoint {

inline std::string FormatPath(const std::string& state_dir) { return state_dir + "/FORMAT"; }
inline std::string KeysPath(const std::string& state_dir) { return state_dir + "/keys"; }
inline std::string LockPath(const std::string& state_dir) { return state_dir + "/lock"; }
inline std::string WitnessPath(const std::string& state_dir) { return state_dir + "/witness"; }
inline std::string DatabasePath(const std::string& state_dir) { return state_dir + "/db"; }
inline std::string StagePath(const std::string& state_dir) { return state_dir + "/stage"; }
/// What a restore makes before it is a state; while it is there, no store opens the directory.
inline std::string RestoringPath(const std::string& state_dir) { return state_dir + "/restoring"; }
inline std::string SpoolPath(const std::string& state_dir) { return state_dir + "/spool"; }

}  // namespace muster::checkpoint
