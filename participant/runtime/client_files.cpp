#include "participant/runtime/client_files.h"

#include <cerrno>
#include <cstdio>

#include "common/digest.h"
#include "common/file.h"
#include "common/limits.h"

namespace muster::participant {
namespace {

/// A model, and twice as much again for what an optimizer may keep of it.
constexpr std::uint64_t kFileBytesMax = 3 * limits::kModelBytesMax;

}  // namespace

Result<Bytes> ReadClientFile(const std::string& path, const ClientBytes& held) {
  Result<Bytes> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes) return bytes.error();
  if (bytes->size() != held.bytes || Xxh128Of(*bytes) != held.digest) {
    return Error{Reason::damage,
                 path + " does not hold the client-side state that state.bin names"};
  }
  return bytes;
}

Status PromoteClientFile(const StatePaths& paths) {
  if (std::rename(paths.client_next.c_str(), paths.client.c_str()) != 0) {
    return SystemError(Reason::io_failed, "rename to " + paths.client, paths.client_next, errno);
  }
  return SyncDirectory(paths.dir);
}

Status OpenClientFiles(const StatePaths& paths, DurableState& state,
                       std::vector<std::string>& losses) {
  if (state.client) {
    const Result<Bytes> current = ReadClientFile(paths.client, state.client->held);
    if (!current && ReadClientFile(paths.client_next, state.client->held)) {
      MUSTER_TRY(PromoteClientFile(paths));
    } else if (!current) {
      losses.push_back(
          "the client-side state of version " + std::to_string(state.client->version) +
          " is lost, the next training begins from a fresh one: " + current.error().Text());
      state.client.reset();
    }
  }
  if (!state.client) MUSTER_TRY(RemoveFile(paths.client));
  std::optional<RetainedUpdate>& retained = state.retained;
  if (retained && retained->client_next) {
    const Result<Bytes> next = ReadClientFile(paths.client_next, *retained->client_next);
    if (next) return {};
    losses.push_back("the client-side state that " + retained->id.Text() +
                     " makes is lost, the one before it stays: " + next.error().Text());
    retained->client_next.reset();
  }
  return RemoveFile(paths.client_next);
}

}  // namespace muster::participant
