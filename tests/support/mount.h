// A volume of a test's own, of a chosen size.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace muster {

/// Mounts a file system in memory over the directory, which is made if absent, in a world of mounts
/// that ends with this process. `options`: as of tmpfs, "size=80m". False where that is not
/// permitted.
inline bool MountOver(const std::string& directory, const char* options) {
  std::filesystem::create_directories(directory);
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", directory.c_str(), "tmpfs", 0, options) == 0;
}

}  // namespace muster
