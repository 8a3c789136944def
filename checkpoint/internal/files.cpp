#include "checkpoint/internal/files.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace muster::checkpoint {
namespace {

Status StatusOf(const rocksdb::Status& status, std::string_view action) {
  if (status.ok()) return {};
  return ErrorOf(status, action);
}

bool IsMissing(const rocksdb::Status& status) {
  return status.IsNotFound() || status.IsPathNotFound();
}

// A sync that fails for want of space has lost pages like any other failed sync.
Status SyncStatusOf(const rocksdb::Status& status, std::string_view action) {
  if (status.ok()) return {};
  Error error = ErrorOf(status, action);
  error.reason = Reason::io_failed;
  return error;
}

}  // namespace

std::string OneLine(const rocksdb::Status& status) {
  std::string line;
  for (const char c : status.ToString()) {
    const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

Error ErrorOf(const rocksdb::Status& status, std::string_view action) {
  MUSTER_CHECK(!status.ok(), "an error made of a success");
  Reason reason = Reason::io_failed;
  if (status.IsCorruption()) reason = Reason::damage;
  if (status.IsNoSpace()) reason = Reason::disk_full;
  return Error{reason, "cannot " + std::string(action) + ": " + OneLine(status)};
}

Result<bool> FileExists(rocksdb::FileSystem& files, const std::string& path) {
  const rocksdb::IOStatus status = files.FileExists(path, {}, nullptr);
  if (status.ok()) return true;
  if (IsMissing(status)) return false;
  return ErrorOf(status, "look for " + path);
}

Result<std::string> ReadSmallFile(rocksdb::FileSystem& files, const std::string& path,
                                  std::size_t bytes_max) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  const rocksdb::IOStatus opened = files.NewSequentialFile(path, {}, &file, nullptr);
  if (IsMissing(opened)) return Error{Reason::not_found, "there is no " + path};
  MUSTER_TRY(StatusOf(opened, "open " + path));
  std::string text(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    rocksdb::Slice piece;
    MUSTER_TRY(StatusOf(file->Read(text.size() - size, {}, &piece, text.data() + size, nullptr),
                        "read " + path));
    if (piece.empty()) break;
    if (piece.data() != text.data() + size)
      std::copy_n(piece.data(), piece.size(), text.data() + size);
    size += piece.size();
  }
  if (size > bytes_max) {
    return Error{Reason::damage, path + " is longer than " + std::to_string(bytes_max) +
                                     " bytes, which it never is"};
  }
  text.resize(size);
  return text;
}

Status WriteSmallFile(rocksdb::FileSystem& files, const std::string& directory,
                      const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  MUSTER_TRY(StatusOf(files.NewWritableFile(temporary, {}, &file, nullptr), "create " + temporary));
  MUSTER_TRY(StatusOf(file->Append({text.data(), text.size()}, {}, nullptr), "write " + temporary));
  MUSTER_TRY(SyncStatusOf(file->Fsync({}, nullptr), "sync " + temporary));
  MUSTER_TRY(StatusOf(file->Close({}, nullptr), "close " + temporary));
  MUSTER_TRY(StatusOf(files.RenameFile(temporary, path, {}, nullptr),
                      "rename " + temporary + " to " + path));
  return SyncDirectory(files, directory);
}

Status SyncDirectory(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  MUSTER_TRY(StatusOf(files.NewDirectory(path, {}, &directory, nullptr), "open " + path));
  return SyncStatusOf(directory->Fsync({}, nullptr), "sync the directory " + path);
}

Status MakeDirectory(rocksdb::FileSystem& files, const std::string& parent,
                     const std::string& path) {
  MUSTER_TRY(StatusOf(files.CreateDirIfMissing(path, {}, nullptr), "make the directory " + path));
  return SyncDirectory(files, parent);
}

Status RemoveFilesIn(rocksdb::FileSystem& files, const std::string& path) {
  std::vector<std::string> names;
  MUSTER_TRY(StatusOf(files.GetChildren(path, {}, &names, nullptr), "list " + path));
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    const std::string file = path + "/" + name;
    MUSTER_TRY(StatusOf(files.DeleteFile(file, {}, nullptr), "remove " + file));
  }
  return {};
}

}  // namespace muster::checkpoint
