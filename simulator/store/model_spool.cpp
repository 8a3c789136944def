#include "simulator/store/model_spool.h"

#include <cstring>
#include <utility>

namespace muster::simulator {
namespace {

constexpr std::uint64_t kExtentAlignmentBytes = 4096;

class ModelSpool : public Spool {
 public:
  explicit ModelSpool(std::shared_ptr<ModelDisk> disk)
      : disk_(std::move(disk)), life_(disk_->life) {}

  Status Prepare(std::uint64_t extent_bytes, std::uint32_t extent_count) override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    MUSTER_CHECK(extent_bytes > 0, "a spool of empty extents");
    extent_bytes_ =
        (extent_bytes + kExtentAlignmentBytes - 1) / kExtentAlignmentBytes * kExtentAlignmentBytes;
    extent_count_ = extent_count;
    disk_->extent_bytes = extent_bytes_;
    const std::uint64_t wanted = extent_bytes_ * extent_count_;
    if (wanted <= disk_->spool.size()) return {};
    if (disk_->full) {
      return Error{Reason::disk_full, std::string("make room in ") + kModelSpool};
    }
    if (disk_->Fails(VolumeOperation::spool_sync)) return SyncFailed();
    disk_->spool.Grow(wanted);
    return {};
  }

  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    const std::uint64_t place = Place(extent, offset, bytes.size());
    MUSTER_TRY(disk_->CheckAlive(life_));
    if (disk_->Fails(VolumeOperation::spool_write)) {
      disk_->spool.Write(place, bytes.first(disk_->random.Below(bytes.size() + 1)));
      return Error{Reason::io_failed, std::string("write ") + kModelSpool};
    }
    disk_->spool.Write(place, bytes);
    return {};
  }

  Status Sync() override {
    MUSTER_TRY(disk_->CheckAlive(life_));
    if (disk_->Fails(VolumeOperation::spool_sync)) return SyncFailed();
    disk_->spool.Sync();
    return {};
  }

  Status Read(std::uint32_t extent, std::uint64_t offset, MutableByteSpan bytes) const override {
    const std::uint64_t place = Place(extent, offset, bytes.size());
    MUSTER_TRY(disk_->CheckAlive(life_));
    std::memcpy(bytes.data(), disk_->spool.Read(place, bytes.size()).data(), bytes.size());
    return {};
  }

 private:
  std::uint64_t Place(std::uint32_t extent, std::uint64_t offset, std::uint64_t size) const {
    MUSTER_CHECK(extent < extent_count_, "an extent that was not prepared");
    MUSTER_CHECK(offset <= extent_bytes_ && size <= extent_bytes_ - offset,
                 "bytes beyond their extent");
    return extent_bytes_ * extent + offset;
  }
  Status SyncFailed() {
    disk_->spool.Forget();
    return Error{Reason::io_failed, std::string("sync ") + kModelSpool};
  }

  const std::shared_ptr<ModelDisk> disk_;
  const std::uint64_t life_;
  std::uint64_t extent_bytes_ = 0;
  std::uint32_t extent_count_ = 0;
};

}  // namespace

Result<std::unique_ptr<Spool>> OpenModelSpool(std::shared_ptr<ModelDisk> disk) {
  MUSTER_TRY(disk->CheckAlive(disk->life));
  return std::unique_ptr<Spool>(std::make_unique<ModelSpool>(std::move(disk)));
}

}  // namespace muster::simulator
