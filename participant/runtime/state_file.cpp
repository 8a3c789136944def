#include "participant/runtime/state_file.h"

#include <algorithm>

#include "common/digest.h"
#include "common/file.h"
#include "common/sealed.h"

namespace muster::participant {
namespace {

constexpr std::string_view kMagic = "MPST";
constexpr std::uint16_t kFormat = 2;
constexpr std::size_t kFileBytes = 216;
/// A newer format may have more, and is to be named as such.
constexpr std::uint64_t kFileBytesMax = 64U << 10;

constexpr std::uint16_t kHasJob = 1;
constexpr std::uint16_t kHasSeen = 2;
constexpr std::uint16_t kHasRetained = 4;
constexpr std::uint16_t kHasClientNext = 8;
constexpr std::uint16_t kHasClient = 16;

/// Calls `field` for each stored field in order.
template <typename Seen, typename Field>
void EachSeen(Seen& seen, Field field) {
  field(seen.lineage.number);
  field(seen.lineage.nonce);
  field(seen.epoch.number);
  field(seen.epoch.nonce);
  field(seen.version);
}
template <typename Update, typename Field>
void EachRetained(Update& update, Field field) {
  field(update.id.lineage);
  field(update.id.round);
  field(update.id.slot);
  field(update.id.task);
  field(update.digest);
  field(update.bytes);
  field(update.weight);
  field(update.base_version);
  field(update.client_version);
}
template <typename Held, typename Field>
void EachClientBytes(Held& held, Field field) {
  field(held.digest);
  field(held.bytes);
}

Error Damage(std::string text) { return {Reason::damage, std::move(text)}; }

}  // namespace

Bytes EncodeState(const DurableState& state) {
  SealedWriter writer(kMagic, kFormat);
  const auto put = [&writer](const auto& value) { writer.Put(value); };
  // What is not set is written as zeros.
  const Sha256Digest job = state.job.value_or(Sha256Digest{});
  const SeenState seen = state.seen.value_or(SeenState{});
  const RetainedUpdate retained = state.retained.value_or(RetainedUpdate{});
  const ClientBytes next = retained.client_next.value_or(ClientBytes{});
  const ClientState client = state.client.value_or(ClientState{});
  const int flags = (state.job ? kHasJob : 0) | (state.seen ? kHasSeen : 0) |
                    (state.retained ? kHasRetained : 0) |
                    (retained.client_next ? kHasClientNext : 0) | (state.client ? kHasClient : 0);
  writer.Put(static_cast<std::uint16_t>(flags));
  writer.Put(job);
  EachSeen(seen, put);
  EachRetained(retained, put);
  EachClientBytes(next, put);
  put(client.version);
  EachClientBytes(client.held, put);
  Bytes bytes = writer.Seal();
  MUSTER_CHECK(bytes.size() == kFileBytes, "a participant's state has one size");
  return bytes;
}

Result<DurableState> DecodeState(ByteSpan bytes) {
  Result<SealedReader> reader = SealedReader::Open(bytes, kMagic, kFormat);
  if (!reader && reader.error().reason == Reason::unsupported) return reader.error();
  if (!reader) return Damage(reader.error().message);
  const auto take = [&reader](auto& value) {
    value = reader->Take<std::remove_reference_t<decltype(value)>>();
  };
  const auto flags = reader->Take<std::uint16_t>();
  DurableState state;
  take(state.job.emplace());
  EachSeen(state.seen.emplace(), take);
  EachRetained(state.retained.emplace(), take);
  EachClientBytes(state.retained->client_next.emplace(), take);
  take(state.client.emplace().version);
  EachClientBytes(state.client->held, take);
  if ((flags & kHasJob) == 0) state.job.reset();
  if ((flags & kHasSeen) == 0) state.seen.reset();
  if ((flags & kHasClientNext) == 0) state.retained->client_next.reset();
  if ((flags & kHasRetained) == 0) state.retained.reset();
  if ((flags & kHasClient) == 0) state.client.reset();
  // Anything else in it, with a right checksum, was not written by this format.
  if (!std::ranges::equal(EncodeState(state), bytes)) return Damage("it has unknown fields");
  return state;
}

Result<DurableState> ReadStateFile(const std::string& path) {
  Result<Bytes> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes && bytes.error().reason == Reason::not_found) return DurableState{};
  if (!bytes && bytes.error().reason != Reason::too_large) return bytes.error();
  Result<DurableState> state =
      bytes ? DecodeState(*bytes) : Result<DurableState>(Damage("it is far too large"));
  if (!state) {
    return Error{state.error().reason,
                 "the participant's state " + path + " cannot be used: " + state.error().message +
                     ". Restore it, or start with an empty state directory: what it holds of a "
                     "round is then trained again"};
  }
  return state;
}

Status WriteStateFile(const std::string& path, const DurableState& state) {
  return WriteFileAtomically(path, EncodeState(state), 0600);
}

}  // namespace muster::participant
