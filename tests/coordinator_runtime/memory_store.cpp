#include "tests/coordinator_runtime/memory_store.h"

#include <algorithm>
#include <utility>

#include "common/digest.h"

namespace muster::testing {

class MemoryVersionWriter : public VersionWriter {
 public:
  MemoryVersionWriter(MemoryDisk& disk, Version version) : disk_(disk), version_(version) {}
  Status Append(ByteSpan chunk) override {
    chunks_.emplace_back(chunk.begin(), chunk.end());
    return {};
  }
  Status Finish() override {
    std::lock_guard lock(disk_.mutex_);
    if (disk_.version_error_ && version_ >= disk_.version_error_first_) {
      return *disk_.version_error_;
    }
    disk_.chunks_[version_] = std::move(chunks_);
    return {};
  }

 private:
  MemoryDisk& disk_;
  Version version_;
  std::vector<Bytes> chunks_;
};

class MemoryStore : public CheckpointStore {
 public:
  explicit MemoryStore(MemoryDisk& disk) : disk_(disk), recovered_(disk.state()) {}

  const RecoveredState& recovered() const override { return recovered_; }

  Result<RecoveredState> ReadState() override { return disk_.state(); }

  Status DropVersion(Version version) override {
    std::lock_guard lock(disk_.mutex_);
    if (disk_.version_error_) return *disk_.version_error_;
    disk_.chunks_.erase(version);
    return {};
  }

  Status Write(const Batch& batch) override {
    std::function<void(const Batch&)> hook;
    {
      std::lock_guard lock(disk_.mutex_);
      hook = disk_.hook_;
    }
    if (hook) hook(batch);
    std::lock_guard lock(disk_.mutex_);
    if (disk_.write_error_) return *disk_.write_error_;
    disk_.state_.Apply(batch);
    return {};
  }

  Result<std::unique_ptr<VersionWriter>> BeginVersion(Version version) override {
    return std::unique_ptr<VersionWriter>(std::make_unique<MemoryVersionWriter>(disk_, version));
  }

  Result<Bytes> ReadVersionChunk(const VersionManifest& manifest, std::uint32_t index) override {
    std::lock_guard lock(disk_.mutex_);
    const auto found = disk_.chunks_.find(manifest.version);
    if (found == disk_.chunks_.end() || index >= found->second.size()) return Absent("chunk");
    if (Sha256Of(found->second[index]) != manifest.chunk_digests[index]) {
      return Error{Reason::damage, "a chunk in memory was changed"};
    }
    return found->second[index];
  }

  Result<VersionManifest> ReadManifest(Version version) override {
    std::lock_guard lock(disk_.mutex_);
    const auto found = disk_.state_.manifests().find(version);
    if (found == disk_.state_.manifests().end()) return Absent("manifest");
    return *found->second;
  }

  Result<RoundRecord> ReadRoundRecord(Version version) override {
    std::lock_guard lock(disk_.mutex_);
    const auto found = disk_.state_.records().find(version);
    if (found == disk_.state_.records().end()) return Absent("round record");
    return *found->second;
  }

  Status ForEachRoundRecord(const std::function<Status(const RoundRecord&)>& visit) override {
    std::map<Version, std::shared_ptr<const RoundRecord>> records;
    {
      std::lock_guard lock(disk_.mutex_);
      records = disk_.state_.records();
    }
    for (const auto& [version, record] : records) MUSTER_TRY(visit(*record));
    return {};
  }

  std::vector<Version> HeldVersions() override { return disk_.held(); }

 private:
  static Error Absent(const std::string& what) {
    return Error{Reason::not_found, "no such " + what + " in memory"};
  }

  MemoryDisk& disk_;
  RecoveredState recovered_;
};

class MemorySpool : public Spool {
 public:
  explicit MemorySpool(MemoryDisk& disk) : disk_(disk) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    std::lock_guard lock(disk_.mutex_);
    if (disk_.extents_.size() < extent_count) disk_.extents_.resize(extent_count);
    for (Bytes& extent : disk_.extents_) extent.resize(extent_bytes);
    prepared_ = true;
    return {};
  }

  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    std::lock_guard lock(disk_.mutex_);
    MUSTER_CHECK(prepared_, "a spool is prepared before it is written");
    std::ranges::copy(bytes, disk_.extents_.at(extent).begin() + static_cast<long>(offset));
    return {};
  }

  Status Sync() override { return {}; }

  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const override {
    std::lock_guard lock(disk_.mutex_);
    MUSTER_CHECK(prepared_, "a spool is prepared before it is read");
    const ByteSpan all = disk_.extents_.at(extent);
    std::ranges::copy(all.subspan(offset, bytes.size()), bytes.begin());
    return {};
  }

 private:
  MemoryDisk& disk_;
  std::atomic<bool> prepared_ = false;
};

void MemoryDisk::FailWrites(std::optional<Error> error) {
  std::lock_guard lock(mutex_);
  write_error_ = std::move(error);
}

void MemoryDisk::FailVersions(std::optional<Error> error, Version first) {
  std::lock_guard lock(mutex_);
  version_error_ = std::move(error);
  version_error_first_ = first;
}

void MemoryDisk::OnWrite(std::function<void(const Batch&)> hook) {
  std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

std::unique_ptr<CheckpointStore> MemoryDisk::OpenStore() {
  return std::make_unique<MemoryStore>(*this);
}

std::unique_ptr<Spool> MemoryDisk::OpenSpool() { return std::make_unique<MemorySpool>(*this); }

std::vector<Version> MemoryDisk::held() const {
  std::lock_guard lock(mutex_);
  std::vector<Version> versions;
  for (const auto& [version, chunks] : chunks_) versions.push_back(version);
  return versions;
}

RecoveredState MemoryDisk::state() const {
  std::lock_guard lock(mutex_);
  return state_.state();
}

}  // namespace muster::testing
