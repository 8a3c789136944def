// What durability costs: batches, spooled updates and versions, each beside a plain file's write
// and fdatasync taken turn by turn in the same run, so that a busy disk slows both; then the same
// on an encrypted state.
//   checkpoint_bench [DIRECTORY]   (default: the current one; it needs 1.5 GB)
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/aes_gcm.h"
#include "common/limits.h"
#include "common/random.h"

namespace muster {
namespace {

constexpr std::size_t kSmallUpdateBytes = 40U << 10;
constexpr std::size_t kLargeUpdateBytes = 8U << 20;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "checkpoint_bench: %s\n", what.c_str());
  std::exit(1);
}

void Must(const Status& status) {
  if (!status) Die(status.error().Text());
}

Bytes RandomBytes(std::size_t size) {
  KeyedStream stream(1, "checkpoint_bench", {size});
  Bytes bytes(size);
  for (std::size_t i = 0; i + 8 <= size; i += 8) StoreLittle(bytes, i, stream.Next());
  return bytes;
}

double Milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// Bytes that this process has sent towards the disk.
std::uint64_t WrittenBytes() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "write_bytes:") return value;
  }
  return 0;
}

/// A preallocated file that is overwritten and synced: the least that durability costs.
class PlainFile {
 public:
  PlainFile(const std::string& path, std::size_t size)
      : fd_(open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0600)) {
    if (fd_ < 0 || posix_fallocate(fd_, 0, static_cast<off_t>(size)) != 0)
      Die("cannot make " + path);
    if (fsync(fd_) != 0) Die("cannot sync " + path);
  }
  ~PlainFile() { close(fd_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  void Write(std::size_t offset, ByteSpan bytes) {
    while (!bytes.empty()) {
      const ssize_t count = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count <= 0) Die("cannot write");
      offset += static_cast<std::size_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void Sync() {
    if (fdatasync(fd_) != 0) Die("cannot sync");
  }

 private:
  int fd_;
};

void Print(const std::string& what, std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  std::printf("%-44s %6zu %10.3f %10.3f %10.3f\n", what.c_str(), ms.size(), ms[ms.size() / 2],
              ms[ms.size() * 99 / 100], ms.back());
}

void PrintHead() {
  std::printf("%-44s %6s %10s %10s %10s\n", "milliseconds", "times", "median", "99 %", "most");
}

void MeasureBatches(const std::string& directory, CheckpointStore& store, const std::string& kind) {
  constexpr int kTimes = 500;
  PlainFile plain(directory + "/plain", 1U << 20);
  const Bytes bytes = RandomBytes(256);
  std::vector<double> plain_ms, batch_ms, unsynced_ms;
  for (std::uint32_t i = 0; i < kTimes; ++i) {
    plain_ms.push_back(Milliseconds([&] {
      plain.Write(i * bytes.size(), bytes);
      plain.Sync();
    }));
    const PutAccepted accept{{.id = {.lineage = 1, .round = 1, .slot = i}, .weight = 600}};
    batch_ms.push_back(Milliseconds([&] { Must(store.Write({.mutations = {accept}})); }));
    unsynced_ms.push_back(
        Milliseconds([&] { Must(store.Write({.mutations = {accept}, .sync = false})); }));
  }
  Print("plain 256 B, fdatasync", plain_ms);
  Print("store: one accept, synced" + kind, batch_ms);
  Print("store: one accept, not synced" + kind, unsynced_ms);
}

void MeasureSpool(const std::string& directory, Spool& spool, const std::string& kind,
                  std::size_t update_bytes, int times) {
  constexpr std::uint32_t kExtents = 8;
  constexpr std::size_t kPieceBytes = limits::kTransferChunkBytes;
  Must(spool.Prepare(update_bytes, kExtents));
  PlainFile plain(directory + "/plain", kExtents * update_bytes);
  const Bytes update = RandomBytes(update_bytes);
  Bytes read(update_bytes);
  std::vector<double> plain_ms, spool_ms, read_ms;
  for (int i = 0; i < times; ++i) {
    const auto extent = static_cast<std::uint32_t>(i) % kExtents;
    plain_ms.push_back(Milliseconds([&] {
      plain.Write(extent * update_bytes, update);
      plain.Sync();
    }));
    spool_ms.push_back(Milliseconds([&] {
      for (std::size_t offset = 0; offset < update_bytes; offset += kPieceBytes) {
        const std::size_t size = std::min(kPieceBytes, update_bytes - offset);
        Must(spool.Write(extent, offset, ByteSpan(update).subspan(offset, size)));
      }
      Must(spool.Sync());
    }));
    read_ms.push_back(Milliseconds([&] { Must(spool.Read(extent, 0, read)); }));
  }
  const std::string size = std::to_string(update_bytes >> 10) + " KiB";
  Print("plain " + size + ", fdatasync", plain_ms);
  Print("spool " + size + ", fdatasync" + kind, spool_ms);
  Print("spool " + size + ", read" + kind, read_ms);
}

void CommitVersion(CheckpointStore& store, Version version, ByteSpan contents) {
  auto writer = store.BeginVersion(version);
  if (!writer) Die(writer.error().Text());
  VersionManifest manifest{.version = version, .total_bytes = contents.size()};
  while (!contents.empty()) {
    const std::size_t size = std::min(contents.size(), limits::kVersionChunkBytes);
    Must((*writer)->Append(contents.first(size)));
    contents = contents.subspan(size);
  }
  Must((*writer)->Finish());
  Must(store.Write({.mutations = {PutVersion{manifest}, PutRoundRecord{{.version = version}}}}));
}

void MeasureVersions(const std::string& directory, CheckpointStore& store, const std::string& kind,
                     std::size_t bytes, int times, Version* next) {
  const Bytes contents = RandomBytes(bytes);
  std::vector<double> plain_ms, version_ms;
  std::uint64_t written = 0;
  for (int i = 0; i < times; ++i) {
    std::filesystem::remove(directory + "/plain");
    PlainFile plain(directory + "/plain", bytes);
    plain_ms.push_back(Milliseconds([&] {
      plain.Write(0, contents);
      plain.Sync();
    }));
    const std::uint64_t before = WrittenBytes();
    version_ms.push_back(Milliseconds([&] { CommitVersion(store, (*next)++, contents); }));
    written += WrittenBytes() - before;
  }
  const std::string size = std::to_string(bytes >> 20) + " MiB";
  Print("plain " + size + ", fdatasync", plain_ms);
  Print("version " + size + ", with its batch" + kind, version_ms);
  std::printf("  bytes written per byte of version: %.4f\n",
              static_cast<double>(written) / (static_cast<double>(bytes) * times));
}

void MeasureOpening(const std::string& state_dir, const std::string& kind, const StateKey& key) {
  std::vector<double> write_ms, read_ms;
  for (int i = 0; i < 5; ++i) {
    std::unique_ptr<CheckpointStore> store;
    const auto open = [&](OpenMode mode) {
      auto opened = OpenCheckpointStore(state_dir, mode, key);
      if (!opened) Die(opened.error().Text());
      store = std::move(*opened);
    };
    write_ms.push_back(Milliseconds([&] { open(OpenMode::create_or_open); }));
    store.reset();
    read_ms.push_back(Milliseconds([&] { open(OpenMode::read_only); }));
  }
  Print("open to write" + kind, write_ms);
  Print("open to read" + kind, read_ms);
}

void MeasureState(const std::string& directory, const std::string& kind, const StateKey& key) {
  const std::string state_dir = directory + "/state" + kind;
  auto store = OpenCheckpointStore(state_dir, OpenMode::create_or_open, key);
  if (!store) Die(store.error().Text());
  auto spool = OpenSpool(state_dir, key);
  if (!spool) Die(spool.error().Text());
  MeasureBatches(directory, **store, kind);
  MeasureSpool(directory, **spool, kind, kSmallUpdateBytes, 200);
  MeasureSpool(directory, **spool, kind, kLargeUpdateBytes, 20);
  Version next = 1;
  MeasureVersions(directory, **store, kind, 8U << 20, 10, &next);
  MeasureVersions(directory, **store, kind, 400U << 20, 2, &next);
  store->reset();
  MeasureOpening(state_dir, kind, key);
  std::filesystem::remove_all(state_dir);
}

void Run(const std::string& parent) {
  const std::string directory = parent + "/checkpoint_bench." + std::to_string(getpid());
  std::filesystem::create_directories(directory);
  PrintHead();
  MeasureState(directory, "", StateKey());
  MeasureState(directory, ", encrypted", StateKey(RandomSecret(kAesKeyBytes)));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace muster

int main(int count, char** arguments) { muster::Run(count > 1 ? arguments[1] : "."); }
