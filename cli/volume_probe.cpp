#include "cli/volume_probe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <vector>

#include "common/bytes.h"
#include "common/disk_space.h"
#include "common/file.h"

namespace muster::cli {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kSyncs = 32;
constexpr std::uint64_t kMountInfoBytesMax = 16U << 20;

/// No command reaches a disk and comes back so soon.
constexpr double kNoDiskMs = 0.02;

/// Spaces and the like stand as octal numbers in mountinfo.
std::string Unescaped(const std::string& text) {
  const auto octal = [&text](std::size_t i) { return text[i] >= '0' && text[i] <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool LiesBelow(const std::string& path, const std::string& mount) {
  if (mount == "/" || path == mount) return true;
  return path.starts_with(mount) && path[mount.size()] == '/';
}

bool HasOption(const std::string& options, const std::string& wanted) {
  return ("," + options + ",").find("," + wanted + ",") != std::string::npos;
}

std::string WhyNotDurable(const std::string& file_system, const std::string& options) {
  if (file_system == "tmpfs" || file_system == "ramfs") {
    return "it is a file system in memory: a power cut or a restart takes all of it";
  }
  if (HasOption(options, "nobarrier") || HasOption(options, "barrier=0")) {
    return "it is mounted without barriers: fdatasync does not empty the disk's cache";
  }
  return "";
}

/// A file that nobody sees and that goes with its descriptor.
Result<FileDescriptor> NamelessFile(const std::string& directory) {
  const std::string path = directory + "/.muster-doctor-" + std::to_string(::getpid());
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return SystemError(Reason::io_failed, "create", path, errno);
  if (::unlink(path.c_str()) != 0) return SystemError(Reason::io_failed, "remove", path, errno);
  return file;
}

Status TimeSyncs(const std::string& directory, VolumeProbe& probe) {
  const Result<FileDescriptor> file = NamelessFile(directory);
  MUSTER_TRY(file);
  const std::array<char, kBlockBytes> block = {};
  std::vector<double> times;
  for (std::size_t i = 0; i < kSyncs; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto offset = static_cast<off_t>(i * kBlockBytes);
    if (::pwrite(file->get(), block.data(), block.size(), offset) !=
        static_cast<ssize_t>(block.size())) {
      return SystemError(Reason::io_failed, "write to", directory, errno);
    }
    if (::fdatasync(file->get()) != 0) {
      return SystemError(Reason::io_failed, "sync", directory, errno);
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    times.push_back(took.count());
  }
  std::ranges::sort(times);
  probe.sync_ms = times[times.size() / 2];
  probe.sync_ms_max = times.back();
  return {};
}

}  // namespace

void DescribeMount(const std::string& mountinfo, const std::string& path, VolumeProbe& probe) {
  std::istringstream lines(mountinfo);
  std::string line;
  std::size_t longest = 0;
  while (std::getline(lines, line)) {
    // "36 35 98:0 /root /mount options optional... - type source super-options"
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string word; words >> word;) fields.push_back(word);
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const std::string mount = Unescaped(fields[4]);
    // Of several at one place the last one covers the others.
    if (!LiesBelow(path, mount) || mount.size() < longest) continue;
    longest = mount.size();
    probe.file_system = dash[1];
    probe.mounted_at = mount;
    probe.not_durable = WhyNotDurable(dash[1], fields[5] + "," + dash[3]);
  }
}

Result<VolumeProbe> ProbeVolume(const std::string& directory) {
  std::error_code failed;
  const std::string path = std::filesystem::canonical(directory, failed);
  if (failed || !std::filesystem::is_directory(path, failed)) {
    return Error{Reason::flag_invalid, "--dir " + directory + " is no directory; make it first"};
  }
  VolumeProbe probe;
  if (const auto mounts = ReadFile("/proc/self/mountinfo", kMountInfoBytesMax)) {
    DescribeMount(std::string(AsText(*mounts)), path, probe);
  }
  const Result<std::uint64_t> room = FreeBytes(path);
  MUSTER_TRY(room);
  probe.free_bytes = *room;
  MUSTER_TRY(TimeSyncs(path, probe));
  if (probe.not_durable.empty() && probe.sync_ms < kNoDiskMs) {
    probe.not_durable =
        "fdatasync comes back faster than any disk does: something on the way "
        "does not wait for one";
  }
  return probe;
}

}  // namespace muster::cli
