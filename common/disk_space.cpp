#include "common/disk_space.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/file.h"

namespace muster {
namespace {

constexpr std::uint64_t kBlockBytes = 512;  ///< The unit of st_blocks, whatever the file system.

std::uint64_t OccupiedByOne(const std::string& path) {
  struct stat found = {};
  return ::lstat(path.c_str(), &found) == 0
             ? static_cast<std::uint64_t>(found.st_blocks) * kBlockBytes
             : 0;
}

}  // namespace

Result<std::uint64_t> FreeBytes(const std::string& path) {
  struct statvfs volume = {};
  if (::statvfs(path.c_str(), &volume) != 0) {
    return SystemError(Reason::io_failed, "ask for the free space of", path, errno);
  }
  return static_cast<std::uint64_t>(volume.f_bavail) * volume.f_frsize;
}

std::uint64_t OccupiedBytes(const std::string& path) {
  std::uint64_t bytes = OccupiedByOne(path);
  std::error_code gone;
  std::filesystem::recursive_directory_iterator entries(path, gone);
  for (; !gone && entries != std::filesystem::recursive_directory_iterator();
       entries.increment(gone)) {
    bytes += OccupiedByOne(entries->path());
  }
  return bytes;
}

}  // namespace muster
