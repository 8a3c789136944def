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
#include "checkpoint/internal/spool_reader.h"
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

/// Where the extents lie in the file, and how they are read.
class SpoolFile : public Spool {
 public:
  explicit SpoolFile(std::string path) : path_(std::move(path)) {}

  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const override {
    std::uint64_t place = Place(extent, offset, bytes.size());
    while (!bytes.empty()) {
      rocksdb::Slice piece;
      char* const buffer = reinterpret_cast<char*>(bytes.data());
      const rocksdb::IOStatus status = ReadPiece(place, bytes.size(), &piece, buffer);
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

 protected:
  virtual rocksdb::IOStatus ReadPiece(std::uint64_t place, std::size_t size, rocksdb::Slice* piece,
                                      char* buffer) const = 0;

  /// Returns how long the file must be for them.
  std::uint64_t LayOut(std::uint64_t extent_bytes, std::uint32_t extent_count) {
    MUSTER_CHECK(extent_bytes > 0, "a spool of empty extents");
    extent_bytes_ =
        (extent_bytes + kExtentAlignmentBytes - 1) / kExtentAlignmentBytes * kExtentAlignmentBytes;
    extent_count_ = extent_count;
    return extent_bytes_ * extent_count;
  }
  std::uint64_t Place(std::uint32_t extent, std::uint64_t offset, std::uint64_t size) const {
    MUSTER_CHECK(extent < extent_count_, "an extent that was not prepared");
    MUSTER_CHECK(offset <= extent_bytes_ && size <= extent_bytes_ - offset,
                 "bytes beyond their extent");
    return extent_bytes_ * extent + offset;
  }
  std::uint64_t extent_bytes() const { return extent_bytes_; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  std::uint64_t extent_bytes_ = 0;
  std::uint32_t extent_count_ = 0;
};

class FileSpool : public SpoolFile {
 public:
  FileSpool(FileSystemPtr files, std::string path, std::uint64_t file_bytes,
            std::unique_ptr<rocksdb::FSRandomRWFile> file,
            std::unique_ptr<rocksdb::FSWritableFile> space)
      : SpoolFile(std::move(path)),
        files_(std::move(files)),
        file_bytes_(file_bytes),
        file_(std::move(file)),
        space_(std::move(space)) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    const std::uint64_t wanted = LayOut(extent_bytes, extent_count);
    if (wanted > file_bytes_) MUSTER_TRY(Grow(wanted));
    dirty_.assign(extent_count, {});
    return {};
  }

  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    const std::uint64_t place = Place(extent, offset, bytes.size());
    const std::string_view text = AsText(bytes);
    const rocksdb::IOStatus written = file_->Write(place, {text.data(), text.size()}, {}, nullptr);
    if (!written.ok()) return ErrorOf(written, "write " + path());
    return HandToDisk(&dirty_[extent], extent_bytes() * extent, place, place + bytes.size());
  }

  Status Sync() override {
    const rocksdb::IOStatus status = file_->Sync({}, nullptr);
    if (status.ok()) return {};
    Error error = ErrorOf(status, "sync " + path());
    error.reason = Reason::io_failed;  // Also for want of space: the pages may be gone.
    return error;
  }

  rocksdb::IOStatus ReadPiece(std::uint64_t place, std::size_t size, rocksdb::Slice* piece,
                              char* buffer) const override {
    return file_->Read(place, size, {}, piece, buffer, nullptr);
  }

 private:
  // The size too is made durable here, once, so that later syncs write data alone.
  Status Grow(std::uint64_t wanted) {
    const std::string action = "make room for " + std::to_string(wanted) + " bytes in " + path();
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
    if (!status.ok()) return Error{Reason::io_failed, ErrorOf(status, "sync " + path()).message};
    return {};
  }

  const FileSystemPtr files_;
  std::uint64_t file_bytes_;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;   ///< Bytes go through this one,
  std::unique_ptr<rocksdb::FSWritableFile> space_;  ///< room and early write-back through this.
  std::vector<DirtyRange> dirty_;                   ///< One an extent.
};

/// Changes nothing: what the file lacks is lost.
class SpoolReader : public SpoolFile {
 public:
  SpoolReader(std::string path, std::uint64_t file_bytes,
              std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : SpoolFile(std::move(path)), file_bytes_(file_bytes), file_(std::move(file)) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    const std::uint64_t wanted = LayOut(extent_bytes, extent_count);
    if (wanted <= file_bytes_) return {};
    return Error{Reason::damage, path() + " has " + std::to_string(file_bytes_) +
                                     " bytes, but accepted updates lie in the first " +
                                     std::to_string(wanted)};
  }

  Status Write(std::uint32_t /*extent*/, std::uint64_t /*offset*/, ByteSpan /*bytes*/) override {
    MUSTER_CHECK(false, "a write to a spool that was opened to be read");
  }
  Status Sync() override { MUSTER_CHECK(false, "a sync of a spool that was opened to be read"); }

  rocksdb::IOStatus ReadPiece(std::uint64_t place, std::size_t size, rocksdb::Slice* piece,
                              char* buffer) const override {
    return file_->Read(place, size, {}, piece, buffer, nullptr);
  }

 private:
  const std::uint64_t file_bytes_;
  const std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
};

Result<std::uint64_t> SizeOf(rocksdb::FileSystem& files, const std::string& path) {
  std::uint64_t bytes = 0;
  const rocksdb::IOStatus status = files.GetFileSize(path, {}, &bytes, nullptr);
  if (!status.ok()) return ErrorOf(status, "measure " + path);
  return bytes;
}

Result<std::unique_ptr<Spool>> OpenPlain(FileSystemPtr files, const std::string& state_dir) {
  const std::string path = SpoolPath(state_dir);
  auto exists = FileExists(*files, path);
  MUSTER_TRY(exists);
  if (!*exists) MUSTER_TRY(WriteSmallFile(*files, state_dir, path, ""));

  auto file_bytes = SizeOf(*files, path);
  MUSTER_TRY(file_bytes);
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  rocksdb::IOStatus status = files->NewRandomRWFile(path, {}, &file, nullptr);
  if (!status.ok()) return ErrorOf(status, "open " + path);
  std::unique_ptr<rocksdb::FSWritableFile> space;
  status = files->ReopenWritableFile(path, {}, &space, nullptr);
  if (!status.ok()) return ErrorOf(status, "open " + path);
  return std::unique_ptr<Spool>(std::make_unique<FileSpool>(std::move(files), path, *file_bytes,
                                                            std::move(file), std::move(space)));
}

Result<std::unique_ptr<Spool>> OpenPlainToRead(rocksdb::FileSystem& files,
                                               const std::string& state_dir) {
  const std::string path = SpoolPath(state_dir);
  auto exists = FileExists(files, path);
  MUSTER_TRY(exists);
  if (!*exists) return Error{Reason::damage, path + " is gone, and accepted updates with it"};
  auto file_bytes = SizeOf(files, path);
  MUSTER_TRY(file_bytes);
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  const rocksdb::IOStatus status = files.NewRandomAccessFile(path, {}, &file, nullptr);
  if (!status.ok()) return ErrorOf(status, "open " + path);
  return std::unique_ptr<Spool>(std::make_unique<SpoolReader>(path, *file_bytes, std::move(file)));
}

Result<KeyRingPtr> KeysOf(const FileSystemPtr& files, const std::string& state_dir,
                          const StateKey& key) {
  auto encrypted = FileExists(*files, KeysPath(state_dir));
  MUSTER_TRY(encrypted);
  return OpenKeys(files, state_dir, *encrypted, key);
}

}  // namespace

Result<std::unique_ptr<Spool>> OpenSpoolOn(FileSystemPtr files, const std::string& state_dir,
                                           const StateKey& key) {
  auto ring = KeysOf(files, state_dir, key);
  MUSTER_TRY(ring);
  auto spool = OpenPlain(std::move(files), state_dir);
  if (!spool || *ring == nullptr) return spool;
  return SealSpool(std::move(*spool), std::move(*ring), SpoolPath(state_dir));
}

Result<std::unique_ptr<Spool>> OpenSpoolToReadOn(const FileSystemPtr& files,
                                                 const std::string& state_dir,
                                                 const StateKey& key) {
  auto ring = KeysOf(files, state_dir, key);
  MUSTER_TRY(ring);
  auto spool = OpenPlainToRead(*files, state_dir);
  if (!spool || *ring == nullptr) return spool;
  return SealSpool(std::move(*spool), std::move(*ring), SpoolPath(state_dir));
}

}  // namespace checkpoint

Result<std::unique_ptr<Spool>> OpenSpool(const std::string& state_dir, const StateKey& key) {
  return checkpoint::OpenSpoolOn(rocksdb::FileSystem::Default(), state_dir, key);
}

}  // namespace muster
