// The spool on a rocksdb::FileSystem, so that the faults injected under the database reach it too.
#include "checkpoint/spool.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "checkpoint/internal/file_system.h"
#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/sealed_spool.h"
#include "checkpoint/internal/state_keys.h"

namespace muster {
namespace checkpoint {
namespace {

constexpr std::uint64_t kExtentAlignmentBytes = 4096;
// So much of an extent is handed to the disk ahead of the sync, which then finds little to do.
constexpr std::uint64_t kRangeSyncBytes = 8U << 20;

/// What was written to an extent and not yet handed to the disk.
struct DirtyRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class FileSpool : public Spool {
 public:
  FileSpool(FileSystemPtr files, std::string path, std::uint64_t file_bytes,
            std::unique_ptr<rocksdb::FSRandomRWFile> file,
            std::unique_ptr<rocksdb::FSWritableFile> space)
      : files_(std::move(files)),
        path_(std::move(path)),
        file_bytes_(file_bytes),
        file_(std::move(file)),
        space_(std::move(space)) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    MUSTER_CHECK(extent_bytes > 0, "a spool of empty extents");
    extent_bytes_ =
        (extent_bytes + kExtentAlignmentBytes - 1) / kExtentAlignmentBytes * kExtentAlignmentBytes;
    const std::uint64_t wanted = extent_bytes_ * extent_count;
    if (wanted > file_bytes_) MUSTER_TRY(Grow(wanted));
    dirty_.assign(extent_count, {});
    return {};
  }

  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    const std::uint64_t place = Place(extent, offset, bytes.size());
    const std::string_view text = AsText(bytes);
    const rocksdb::IOStatus written = file_->Write(place, {text.data(), text.size()}, {}, nullptr);
    if (!written.ok()) return ErrorOf(written, "write " + path_);
    return HandToDisk(&dirty_[extent], extent_bytes_ * extent, place, place + bytes.size());
  }

  Status Sync() override {
    const rocksdb::IOStatus status = file_->Sync({}, nullptr);
    if (status.ok()) return {};
    Error error = ErrorOf(status, "sync " + path_);
    error.reason = Reason::io_failed;  // Also for want of space: the pages may be gone.
    return error;
  }

  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const override {
    std::uint64_t place = Place(extent, offset, bytes.size());
    while (!bytes.empty()) {
      rocksdb::Slice piece;
      char* const buffer = reinterpret_cast<char*>(bytes.data());
      const rocksdb::IOStatus status =
          file_->Read(place, bytes.size(), {}, &piece, buffer, nullptr);
      if (!status.ok()) return ErrorOf(status, "read " + path_);
      if (piece.empty()) {
        return Error{Reason::damage, path_ + " ends at or before byte " + std::to_string(place) +
                                         ", inside extent " + std::to_string(extent)};
      }
      if (piece.data() != buffer) std::copy_n(piece.data(), piece.size(), buffer);
      place += piece.size();
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }

 private:
  std::uint64_t Place(std::uint32_t extent, std::uint64_t offset, std::uint64_t size) const {
    MUSTER_CHECK(extent < dirty_.size(), "an extent that was not prepared");
    MUSTER_CHECK(offset <= extent_bytes_ && size <= extent_bytes_ - offset,
                 "bytes beyond their extent");
    return extent_bytes_ * extent + offset;
  }

  // The size too is made durable here, once, so that later syncs write data alone.
  Status Grow(std::uint64_t wanted) {
    const std::string action = "make room for " + std::to_string(wanted) + " bytes in " + path_;
    const rocksdb::IOStatus allocated =
        space_->Allocate(file_bytes_, wanted - file_bytes_, {}, nullptr);
    if (!allocated.ok()) return ErrorOf(allocated, action);
    const rocksdb::IOStatus resized = space_->Truncate(wanted, {}, nullptr);
    if (!resized.ok()) return ErrorOf(resized, action);
    const rocksdb::IOStatus synced = space_->Fsync({}, nullptr);
    if (!synced.ok()) return Error{Reason::io_failed, ErrorOf(synced, action).message};
    file_bytes_ = wanted;
    return {};
  }

  // Bytes apart from those before, as of an encrypted spool's table, wait for the sync.
  Status HandToDisk(DirtyRange* dirty, std::uint64_t extent_begin, std::uint64_t begin,
                    std::uint64_t end) {
    if (begin == extent_begin) {
      *dirty = {begin, end};
    } else if (begin == dirty->end) {
      dirty->end = end;
    }
    if (dirty->end - dirty->begin < kRangeSyncBytes) return {};
    const DirtyRange range = std::exchange(*dirty, DirtyRange{dirty->end, dirty->end});
    const rocksdb::IOStatus status =
        space_->RangeSync(range.begin, range.end - range.begin, {}, nullptr);
    if (!status.ok()) return Error{Reason::io_failed, ErrorOf(status, "sync " + path_).message};
    return {};
  }

  const FileSystemPtr files_;
  const std::string path_;
  std::uint64_t file_bytes_;
  std::uint64_t extent_bytes_ = 0;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;   ///< Bytes go through this one,
  std::unique_ptr<rocksdb::FSWritableFile> space_;  ///< room and early write-back through this.
  std::vector<DirtyRange> dirty_;                   ///< One an extent.
};

Result<std::unique_ptr<Spool>> OpenPlain(FileSystemPtr files, const std::string& state_dir) {
  const std::string path = SpoolPath(state_dir);
  auto exists = FileExists(*files, path);
  MUSTER_TRY(exists);
  if (!*exists) MUSTER_TRY(WriteSmallFile(*files, state_dir, path, ""));

  std::uint64_t file_bytes = 0;
  rocksdb::IOStatus status = files->GetFileSize(path, {}, &file_bytes, nullptr);
  if (!status.ok()) return ErrorOf(status, "measure " + path);
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  status = files->NewRandomRWFile(path, {}, &file, nullptr);
  if (!status.ok()) return ErrorOf(status, "open " + path);
  std::unique_ptr<rocksdb::FSWritableFile> space;
  status = files->ReopenWritableFile(path, {}, &space, nullptr);
  if (!status.ok()) return ErrorOf(status, "open " + path);
  return std::unique_ptr<Spool>(std::make_unique<FileSpool>(std::move(files), path, file_bytes,
                                                            std::move(file), std::move(space)));
}

}  // namespace

Result<std::unique_ptr<Spool>> OpenSpoolOn(FileSystemPtr files, const std::string& state_dir,
                                           const StateKey& key) {
  auto encrypted = FileExists(*files, KeysPath(state_dir));
  MUSTER_TRY(encrypted);
  auto ring = OpenKeys(files, state_dir, *encrypted, key);
  MUSTER_TRY(ring);
  auto spool = OpenPlain(std::move(files), state_dir);
  if (!spool || *ring == nullptr) return spool;
  return SealSpool(std::move(*spool), std::move(*ring), SpoolPath(state_dir));
}

}  // namespace checkpoint

Result<std::unique_ptr<Spool>> OpenSpool(const std::string& state_dir, const StateKey& key) {
  return checkpoint::OpenSpoolOn(rocksdb::FileSystem::Default(), state_dir, key);
}

}  // namespace muster
