#include "simulator/store/model_disk.h"

#include <algorithm>
#include <utility>

namespace muster::simulator {

// --- A file --------------------------------------------------------------------------------------

void ModelFile::Copy(const Bytes& from, const Range& range, Bytes* to) const {
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(range.offset), range.size,
              to->begin() + static_cast<std::ptrdiff_t>(range.offset));
}

void ModelFile::Grow(std::uint64_t size) {
  now_.resize(std::max<std::uint64_t>(size, now_.size()));
  durable_.resize(now_.size());
  Sync();
}

void ModelFile::Write(std::uint64_t offset, ByteSpan bytes) {
  std::copy_n(bytes.begin(), bytes.size(), now_.begin() + static_cast<std::ptrdiff_t>(offset));
  unsynced_.push_back({offset, bytes.size()});
}

ByteSpan ModelFile::Read(std::uint64_t offset, std::uint64_t size) const {
  return ByteSpan(now_).subspan(offset, size);
}

void ModelFile::Sync() {
  for (const Range& range : unsynced_) Copy(now_, range, &durable_);
  unsynced_.clear();
}

void ModelFile::Forget() {
  forgotten_.insert(forgotten_.end(), unsynced_.begin(), unsynced_.end());
  unsynced_.clear();
}

void ModelFile::FlipBit(std::uint64_t bit) {
  const auto mask = static_cast<std::byte>(1U << (bit % 8));
  now_[bit / 8] ^= mask;
  durable_[bit / 8] ^= mask;
}

void ModelFile::Cut(Unsynced unsynced, KeyedStream* random) {
  std::vector<Range> kept;
  if (unsynced == Unsynced::kept) {
    kept = unsynced_;
    kept.insert(kept.end(), forgotten_.begin(), forgotten_.end());
  }
  if (unsynced == Unsynced::mixed) {
    // Of each sector the disk has the newest bytes or the oldest: the cache holds no others.
    for (const Range& range : unsynced_) {
      const std::uint64_t fate = random->Below(3);
      if (fate == 0) kept.push_back(range);
      if (fate != 2) continue;
      const std::uint64_t end = range.offset + range.size;
      for (std::uint64_t at = range.offset; at < end;) {
        const std::uint64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
        if (random->Below(2) == 0) kept.push_back({at, next - at});
        at = next;
      }
    }
  }
  for (const Range& range : kept) Copy(now_, range, &durable_);
  for (const Range& range : unsynced_) Copy(durable_, range, &now_);
  for (const Range& range : forgotten_) Copy(durable_, range, &now_);
  unsynced_.clear();
  forgotten_.clear();
}

ModelFile ModelFile::Durable() const {
  ModelFile file;
  file.now_ = file.durable_ = durable_;
  return file;
}

// --- The disk ------------------------------------------------------------------------------------

Status ModelDisk::CheckAlive(std::uint64_t of) const {
  if (powered && of == life) return {};
  return Error{Reason::io_failed, "the power was cut"};
}

bool ModelDisk::Fails(VolumeOperation operation) {
  if (fails_next != operation) return false;
  fails_next.reset();
  failed = true;
  return true;
}

void ModelDisk::SettleBatches(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) durable.Apply(unsynced[i]);
  unsynced.erase(unsynced.begin(), unsynced.begin() + static_cast<std::ptrdiff_t>(count));
}

void ModelDisk::Cut(Unsynced how) {
  powered = false;
  in_use = false;
  ++life;
  std::size_t kept = 0;
  if (how == Unsynced::kept) kept = unsynced.size();
  // Batches are records of one log, which ends at the first that is not whole.
  if (how == Unsynced::mixed) kept = random.Below(unsynced.size() + 1);
  SettleBatches(kept);
  if (!unsynced.empty()) {
    unsynced.clear();
    now = durable;
  }
  spool.Cut(how, &random);
}

}  // namespace muster::simulator
