#include "simulator/federation/forgery.h"

#include <array>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "common/digest.h"
#include "common/limits.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

template <typename Bytes>
Bytes ForgeBytes(KeyedStream& stream) {
  Bytes bytes{};
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(stream.Next());
  return bytes;
}

bool OneIn(KeyedStream& stream, std::uint64_t n) { return stream.Below(n) == 0; }

std::uint32_t ForgeSmall(KeyedStream& stream, std::uint64_t likely) {
  return static_cast<std::uint32_t>(ForgeNumber(stream, likely));
}
std::int64_t ForgeDuration(KeyedStream& stream) {
  return static_cast<std::int64_t>(ForgeNumber(stream, 1'000));
}
Reason ForgeReason(KeyedStream& stream) {
  return static_cast<Reason>(stream.Below(OneIn(stream, 4) ? 70'000 : 140));
}

Incarnation ForgeIncarnation(KeyedStream& stream, const Knowledge& known) {
  if (OneIn(stream, 2)) return known.incarnation;
  return {ForgeBytes<std::array<std::byte, 16>>(stream)};
}

std::string ForgeText(KeyedStream& stream, const std::string& likely) {
  switch (stream.Below(6)) {
    case 0:
      return "";
    case 1:
      return std::string(stream.Below(2 * limits::kSmallMessageBytesMax), 'x');
    case 2:
      return likely + "\x1b[31m\n";
    default:
      return likely;
  }
}

SeenState ForgeSeen(KeyedStream& stream, const Knowledge& known) {
  const Fence fence = ForgeFence(stream, known);
  return {{fence.lineage, stream.Next()}, fence.epoch, ForgeNumber(stream, 3)};
}

std::uint64_t HeadOf(const Knowledge& known) { return known.task ? known.task->base_version : 0; }

// --- One message each ----------------------------------------------------------------------------

void Forge(Hello& hello, KeyedStream& stream, const Knowledge& known) {
  const std::size_t whose = OneIn(stream, 2) ? 0 : stream.Below(known.names.size());
  hello.name = ForgeText(stream, known.names.at(whose));
  hello.incarnation = ForgeIncarnation(stream, known);
  if (OneIn(stream, 4)) hello.protocol_min = static_cast<std::uint16_t>(ForgeNumber(stream, 1));
  if (OneIn(stream, 4)) hello.protocol_max = static_cast<std::uint16_t>(ForgeNumber(stream, 2));
  if (OneIn(stream, 4)) hello.seals.assign(stream.Below(20), BulkSeal::aes_256_gcm);
  if (OneIn(stream, 2)) hello.seen = ForgeSeen(stream, known);
  if (OneIn(stream, 4)) hello.job = ForgeBytes<Sha256Digest>(stream);
  if (OneIn(stream, 2)) {
    hello.retained = {ForgeId(stream, known), ForgeBytes<Xxh128Digest>(stream)};
  }
}
void Forge(LeaseRenew&, KeyedStream&, const Knowledge&) {}
void Forge(Offer& offer, KeyedStream& stream, const Knowledge& known) {
  offer.id = ForgeId(stream, known);
  offer.digest = ForgeBytes<Xxh128Digest>(stream);
  offer.bytes = ForgeNumber(stream, known.update_bytes);
  offer.weight = ForgeNumber(stream, limits::kWeightMaxDefault);
  offer.base_version = OneIn(stream, 3) ? ForgeNumber(stream, HeadOf(known)) : HeadOf(known);
}
void Forge(Leave& leave, KeyedStream& stream, const Knowledge&) {
  leave.reason = ForgeReason(stream);
}
void Forge(RefuseCoordinator& refusal, KeyedStream& stream, const Knowledge& known) {
  refusal.reason = ForgeReason(stream);
  if (OneIn(stream, 2)) refusal.seen = ForgeSeen(stream, known);
}

void Forge(Welcome& welcome, KeyedStream& stream, const Knowledge& known) {
  if (known.welcome) welcome = *known.welcome;
  if (OneIn(stream, 3)) welcome.job = Bytes(stream.Below(4'096));
  if (OneIn(stream, 2)) welcome.job_digest = Sha256Of(welcome.job);
  if (OneIn(stream, 3)) welcome.job_name = ForgeText(stream, "job");
  if (OneIn(stream, 3)) welcome.protocol = static_cast<std::uint16_t>(ForgeNumber(stream, 1));
  if (OneIn(stream, 3)) {
    welcome.lineages.assign(stream.Below(limits::kLineageHistoryMax + 2), LineageRecord{});
  }
  welcome.epoch = ForgeFence(stream, known).epoch;
  welcome.head = ForgeNumber(stream, HeadOf(known));
  if (OneIn(stream, 3)) welcome.index = ForgeSmall(stream, limits::kRosterMax);
  if (OneIn(stream, 3)) welcome.lease_ms = ForgeDuration(stream);
}
void Forge(LeaseAck&, KeyedStream&, const Knowledge&) {}
void Forge(TaskOrder& task, KeyedStream& stream, const Knowledge& known) {
  if (known.task) task = *known.task;
  task.id = ForgeId(stream, known);
  if (OneIn(stream, 3)) task.attempt = ForgeSmall(stream, 1);
  if (OneIn(stream, 3)) task.base_version = ForgeNumber(stream, HeadOf(known));
  if (OneIn(stream, 3)) task.model_digest = ForgeBytes<Xxh128Digest>(stream);
  if (OneIn(stream, 3)) task.model_bytes = ForgeNumber(stream, limits::kModelBytesMax);
  if (OneIn(stream, 3)) task.deadline_ms = ForgeDuration(stream);
  if (OneIn(stream, 3)) {
    const auto exponent = static_cast<std::int32_t>(ForgeNumber(stream, 1'024));
    task.scales.assign(stream.Below(64), TensorScale{exponent, -exponent / 2});
  }
}
void Forge(Grant& grant, KeyedStream& stream, const Knowledge& known) {
  grant.id = ForgeId(stream, known);
  grant.digest = ForgeBytes<Xxh128Digest>(stream);
  grant.offset = ForgeNumber(stream, 0);
  grant.credit_bytes = ForgeNumber(stream, limits::kCreditWindowBytes);
  grant.chunk_bytes = ForgeSmall(stream, limits::kTransferChunkBytes);
}
void Forge(UploadCredit& credit, KeyedStream& stream, const Knowledge& known) {
  credit.id = ForgeId(stream, known);
  credit.offset = ForgeNumber(stream, known.update_bytes);
}
void Forge(Accepted& accepted, KeyedStream& stream, const Knowledge& known) {
  accepted.id = ForgeId(stream, known);
  accepted.digest = ForgeBytes<Xxh128Digest>(stream);
}
void Forge(Committed& committed, KeyedStream& stream, const Knowledge& known) {
  committed.id = ForgeId(stream, known);
  committed.version = ForgeNumber(stream, HeadOf(known));
}
void Forge(Refused& refused, KeyedStream& stream, const Knowledge& known) {
  refused.reason = ForgeReason(stream);
  if (OneIn(stream, 2)) refused.id = ForgeId(stream, known);
  refused.retry_after_ms = ForgeDuration(stream);
  refused.text = ForgeText(stream, "no");
}
void Forge(JobFinished& finished, KeyedStream& stream, const Knowledge& known) {
  finished.reason = ForgeReason(stream);
  finished.version = ForgeNumber(stream, HeadOf(known));
}

void Forge(BulkHello& hello, KeyedStream& stream, const Knowledge& known) {
  hello.incarnation = ForgeIncarnation(stream, known);
}
void Forge(ModelRequest& request, KeyedStream& stream, const Knowledge& known) {
  request.version = OneIn(stream, 3) ? ForgeNumber(stream, HeadOf(known)) : HeadOf(known);
  request.offset = ForgeNumber(stream, known.update_bytes);
  request.bytes = ForgeSmall(stream, limits::kTransferChunkBytes);
}
void Forge(ModelChunk& chunk, KeyedStream& stream, const Knowledge& known) {
  chunk.version = HeadOf(known);
  chunk.offset = ForgeNumber(stream, known.update_bytes);
  chunk.bytes = ForgeSmall(stream, 4'096);
  chunk.checksum = stream.Next();
}
void Forge(UpdateChunk& chunk, KeyedStream& stream, const Knowledge& known) {
  chunk.id = ForgeId(stream, known);
  chunk.offset = ForgeNumber(stream, known.update_bytes);
  chunk.bytes = ForgeSmall(stream, 4'096);
  chunk.checksum = stream.Next();
}

template <std::size_t kKind>
Message ForgeKind(KeyedStream& stream, const Knowledge& known) {
  std::variant_alternative_t<kKind, Message> message;
  Forge(message, stream, known);
  return message;
}

using Maker = Message (*)(KeyedStream&, const Knowledge&);

template <std::size_t... kKinds>
constexpr std::array<Maker, sizeof...(kKinds)> MakersOf(std::index_sequence<kKinds...>) {
  return {&ForgeKind<kKinds>...};
}

constexpr std::array<Maker, kMessageKinds> kMakers =
    MakersOf(std::make_index_sequence<kMessageKinds>());

}  // namespace

std::uint64_t ForgeNumber(KeyedStream& stream, std::uint64_t likely) {
  const std::uint64_t edges[] = {
      0,        1,          limits::kTransferChunkBytesMin, limits::kTransferChunkBytesMax,
      1U << 29, 1ULL << 32, limits::kModelBytesMax,         1ULL << 63,
      kMost};
  switch (stream.Below(6)) {
    case 0:
      return edges[stream.Below(std::size(edges))];
    case 1: {
      // A statement of its own: the sides of a + may be drawn in any order.
      const std::uint64_t edge = edges[stream.Below(std::size(edges))];
      return edge - 1 + stream.Below(3);
    }
    case 2:
      return likely - 1 + stream.Below(3);
    case 3:
      return stream.Next() >> stream.Below(64);
    default:
      return likely;
  }
}

UpdateId ForgeId(KeyedStream& stream, const Knowledge& known) {
  UpdateId id;
  if (known.task) id = known.task->id;
  if (OneIn(stream, 4)) id.lineage = ForgeSmall(stream, 2);
  if (OneIn(stream, 3)) id.round = ForgeNumber(stream, id.round);
  if (OneIn(stream, 3)) id.slot = static_cast<Slot>(stream.Below(known.names.size() + 2));
  if (OneIn(stream, 4)) id.task = ForgeSmall(stream, 1);
  return id;
}

Fence ForgeFence(KeyedStream& stream, const Knowledge& known) {
  Fence fence = known.fence;
  switch (stream.Below(12)) {
    case 0:
      fence.epoch.number -= 1;
      break;
    case 1:
      fence.epoch.number += 1;
      break;
    case 2:
      fence.epoch.nonce = stream.Next();
      break;
    case 3:
      fence.lineage = ForgeSmall(stream, 2);
      break;
    case 4:
      return Fence{};
    case 5:
      return {ForgeSmall(stream, 1), {stream.Next(), stream.Next()}};
    default:
      break;
  }
  return fence;
}

Message ForgeMessage(std::size_t kind, KeyedStream& stream, const Knowledge& known) {
  return kMakers.at(kind)(stream, known);
}

}  // namespace muster::simulator
