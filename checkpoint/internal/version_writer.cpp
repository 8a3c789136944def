#include "checkpoint/internal/version_writer.h"

#include <rocksdb/file_system.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <utility>

#include "checkpoint/internal/files.h"
#include "common/limits.h"

namespace muster::checkpoint {
namespace {

constexpr std::uint64_t kBytesPerSync = 8U << 20;

rocksdb::EnvOptions StageOptions(const rocksdb::Options& options) {
  rocksdb::EnvOptions stage(options);
  stage.bytes_per_sync = kBytesPerSync;
  return stage;
}

class SortedFileWriter : public VersionWriter {
 public:
  SortedFileWriter(std::shared_ptr<Database> database, FileSystemPtr files, std::string path,
                   Version version)
      : database_(std::move(database)),
        files_(std::move(files)),
        path_(std::move(path)),
        version_(version),
        options_(database_->VersionFileOptions()),
        // The pages stay cached: participants download the version next.
        writer_(StageOptions(options_), options_, /*column_family=*/nullptr,
                /*invalidate_page_cache=*/false) {}

  ~SortedFileWriter() override {
    // Left over only by a crash or a broken disk; the next open sweeps it then.
    (void)files_->DeleteFile(path_, {}, nullptr).ok();
  }

  Status Open() {
    const rocksdb::Status status = writer_.Open(path_);
    if (!status.ok()) return ErrorOf(status, "create " + path_);
    return {};
  }

  Status Append(ByteSpan chunk) override {
    MUSTER_CHECK(!finished_, "a chunk after Finish");
    MUSTER_CHECK(!last_chunk_seen_, "a chunk behind a short one");
    MUSTER_CHECK(!chunk.empty() && chunk.size() <= limits::kVersionChunkBytes,
                 "a chunk of the wrong size");
    last_chunk_seen_ = chunk.size() < limits::kVersionChunkBytes;
    const std::string key = ChunkKey(version_, chunk_count_++);
    Bytes sealed;
    if (database_->sealed()) {
      auto stored = database_->Seal(Family::versions, key, chunk);
      MUSTER_TRY(stored);
      sealed = std::move(*stored);
    }
    const std::string_view text = AsText(database_->sealed() ? ByteSpan(sealed) : chunk);
    const rocksdb::Status status = writer_.Put(key, {text.data(), text.size()});
    if (!status.ok()) return ErrorOf(status, "write " + path_);
    return {};
  }

  Status Finish() override {
    MUSTER_CHECK(!finished_, "finished twice");
    finished_ = true;
    // A try of this version that never became head would mix with this one.
    MUSTER_TRY(database_->RemoveVersions(version_, version_));
    if (chunk_count_ == 0) return {};
    // Syncs the file; whether a failure was the sync's, the database's watch knows.
    MUSTER_TRY(database_->Judge(writer_.Finish(), "complete " + path_));
    return database_->Ingest(path_);
  }

 private:
  const std::shared_ptr<Database> database_;
  const FileSystemPtr files_;
  const std::string path_;
  const Version version_;
  const rocksdb::Options options_;
  rocksdb::SstFileWriter writer_;
  std::uint32_t chunk_count_ = 0;
  bool last_chunk_seen_ = false;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<VersionWriter>> CreateVersionWriter(std::shared_ptr<Database> database,
                                                           FileSystemPtr files,
                                                           std::string staged_path,
                                                           Version version) {
  auto writer = std::make_unique<SortedFileWriter>(std::move(database), std::move(files),
                                                   std::move(staged_path), version);
  MUSTER_TRY(writer->Open());
  return std::unique_ptr<VersionWriter>(std::move(writer));
}

}  // namespace muster::checkpoint
