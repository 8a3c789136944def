// A process of its own for tests of the store: to be killed, or to have a file system of its own.
//   store_child write DIR   accepts updates 1, 2, ... for ever; prints each number once durable
//   store_child fill DIR    fills a small file system mounted over DIR, makes room, goes on
// Exit codes: 0 well, 1 not well (said on stderr), 77 this machine does not let us mount.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "checkpoint/store.h"
#include "common/limits.h"
#include "tests/checkpoint/samples.h"
#include "tests/support/mount.h"

namespace muster {
namespace {

constexpr int kCannotMount = 77;
constexpr std::size_t kBallastBytes = 40U << 20;
constexpr const char* kMountOptions = "size=80m";
constexpr std::size_t kTensorsOfABulkyManifest = 1000;

int Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 1;
}

Batch Accept(std::uint32_t number) {
  return {.mutations = {PutAccepted{SampleAccepted(number)}, PutFate{SampleFate(number, 1)}}};
}

int WriteForEver(const std::string& directory) {
  auto store = OpenCheckpointStore(directory, OpenMode::create_or_open);
  if (!store) return Fail(store.error().Text());
  const auto first = static_cast<std::uint32_t>((*store)->recovered().accepted.size()) + 1;
  for (std::uint32_t number = first;; ++number) {
    const Status status = (*store)->Write(Accept(number));
    if (!status) return Fail(status.error().Text());
    if (write(STDOUT_FILENO, &number, sizeof(number)) != sizeof(number)) return 0;
  }
}

// A quarter of a megabyte that no later record takes the place of.
PutVersion BulkyManifest(Version version) {
  VersionManifest manifest{.version = version};
  for (std::size_t i = 0; i < kTensorsOfABulkyManifest; ++i) {
    manifest.tensors.push_back({.name = std::string(limits::kTensorNameBytesMax, 't')});
  }
  return {manifest};
}

// How many updates are accepted, one after another, until the disk refuses one.
Result<std::uint32_t> AcceptUntilFull(CheckpointStore& store, std::uint32_t first) {
  for (std::uint32_t number = first; number < 10'000; ++number) {
    Batch batch = Accept(number);
    batch.mutations.push_back(BulkyManifest(number));
    const Status status = store.Write(batch);
    if (!status && status.error().reason == Reason::disk_full) return number;
    MUSTER_TRY(status);
  }
  return Error{Reason::internal, "the disk never fills"};
}

int FillAndGoOn(const std::string& directory) {
  if (!MountOver(directory, kMountOptions)) return kCannotMount;
  const std::string ballast = directory + "/ballast";
  std::ofstream(ballast, std::ios::binary) << std::string(kBallastBytes, 'b');
  const std::string state = directory + "/state";
  auto store = OpenCheckpointStore(state, OpenMode::create_or_open);
  if (!store) return Fail(store.error().Text());

  auto refused = AcceptUntilFull(**store, 1);
  if (!refused) return Fail(refused.error().Text());
  if (const Status again = (*store)->Write(Accept(*refused));
      !again && again.error().reason != Reason::disk_full) {
    return Fail("still full: " + again.error().Text());
  }
  std::filesystem::remove(ballast);
  if (const Status status = (*store)->Write(Accept(*refused)); !status) {
    return Fail("with room again: " + status.error().Text());
  }
  store->reset();
  store = OpenCheckpointStore(state, OpenMode::create_or_open);
  if (!store) return Fail(store.error().Text());
  const std::size_t accepted = (*store)->recovered().accepted.size();
  if (accepted == *refused) return 0;
  return Fail("accepted " + std::to_string(*refused) + ", recovered " + std::to_string(accepted));
}

}  // namespace
}  // namespace muster

int main(int count, char** arguments) {
  if (count != 3) return 1;
  const std::string_view verb = arguments[1];
  if (verb == "write") return muster::WriteForEver(arguments[2]);
  if (verb == "fill") return muster::FillAndGoOn(arguments[2]);
  return 1;
}
