#include "checkpoint/mirror_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "common/file.h"
#include "common/sealed.h"
#include "common/secret.h"

namespace muster {
namespace {

constexpr std::string_view kMagic = "MANN";
constexpr std::uint16_t kFormat = 2;
constexpr std::uint64_t kNoteBytesMax = 256;
constexpr std::uint64_t kIdentityBytesMax = 64U << 10;
constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kReadable = 0644;

struct IdentityFile {
  const char* name;
  mode_t mode;
};
constexpr std::array kIdentityFiles = {IdentityFile{"/coordinator.key", kOwnerOnly},
                                       IdentityFile{"/coordinator.pub", kReadable},
                                       IdentityFile{"/endpoints.json", kReadable}};

std::string NotePath(const std::string& mirror_dir) { return mirror_dir + "/announced"; }

Status CopyFile(const std::string& from, const std::string& to, mode_t mode) {
  Result<Bytes> bytes = ReadFile(from, kIdentityBytesMax);
  if (!bytes && bytes.error().reason == Reason::not_found) return {};
  MUSTER_TRY(bytes);
  Result<Bytes> there = ReadFile(to, kIdentityBytesMax);
  const bool same = there && *there == *bytes;
  Status copied = same ? Status() : WriteFileAtomically(to, *bytes, mode);
  WipeBytes(*bytes);
  if (there) WipeBytes(*there);
  return copied;
}

}  // namespace

// In place, in one sector: no room is needed, and a torn note does not check out.
Status NoteAnnounced(const std::string& mirror_dir, const Announced& announced) {
  SealedWriter writer(kMagic, kFormat);
  writer.Put(announced.version);
  writer.Put(announced.lineage);
  const Bytes note = writer.Seal();
  const std::string path = NotePath(mirror_dir);
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kReadable));
  if (!file.valid()) return SystemError(Reason::io_failed, "open", path, errno);
  const ssize_t written = ::pwrite(file.get(), note.data(), note.size(), 0);
  if (written == static_cast<ssize_t>(note.size())) return {};
  return SystemError(Reason::io_failed, "write", path, written < 0 ? errno : ENOSPC);
}

std::optional<Announced> ReadAnnounced(const std::string& mirror_dir) {
  const Result<Bytes> bytes = ReadFile(NotePath(mirror_dir), kNoteBytesMax);
  if (!bytes) return std::nullopt;
  Result<SealedReader> reader = SealedReader::Open(*bytes, kMagic, kFormat);
  if (!reader) return std::nullopt;
  Announced announced;
  announced.version = reader->Take<Version>();
  announced.lineage = reader->Take<std::uint32_t>();
  return reader->Finish() ? std::optional(announced) : std::nullopt;
}

Status CheckIsNoMirror(const std::string& state_dir) {
  if (::access(NotePath(state_dir).c_str(), F_OK) != 0) return {};
  return Error{Reason::config_invalid,
               state_dir +
                   " is the mirror of a state, not a state: `muster checkpoints restore "
                   "--from " +
                   state_dir +
                   " --state-dir DIR` makes a state of it in another directory; `muster "
                   "checkpoints` ls, show, export and verify work on a mirror, too"};
}

Status CopyIdentityFiles(const std::string& from_dir, const std::string& to_dir) {
  for (const IdentityFile& file : kIdentityFiles) {
    MUSTER_TRY(CopyFile(from_dir + file.name, to_dir + file.name, file.mode));
  }
  return {};
}

}  // namespace muster
