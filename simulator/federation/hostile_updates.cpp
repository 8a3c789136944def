// Updates that break a rule: in the offer, in the bytes, in the flow of the chunks.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "common/digest.h"
#include "common/limits.h"
#include "simulator/federation/hostile_node.h"

namespace muster::simulator {
namespace {

constexpr float kSound = 1.0F / 1'024;
constexpr std::uint64_t kDripBytes = sizeof(float);
constexpr std::uint64_t kSurplusChunks = 24;
constexpr int kSecondThoughts = 8;

void Put(Bytes& bytes, std::uint64_t offset, float value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

/// Every value sound, every gap zero.
Bytes SoundBytes(const ParameterLayout& layout) {
  Bytes bytes(layout.total_bytes());
  for (const auto& entry : layout.entries()) {
    for (std::uint64_t at = 0; at < entry.size_bytes; at += sizeof(float)) {
      Put(bytes, entry.offset_bytes + at, kSound);
    }
  }
  return bytes;
}

}  // namespace

void HostileNode::OfferPoison(KeyedStream& stream) {
  if (!known_.task) return;
  const bool dripping = poison_ && poison_->granted && poison_->flaw == Flaw::drip &&
                        poison_->offer.id == known_.task->id && links_.contains(poison_->link);
  if (dripping) return;  // It keeps its place as long as it can.
  Poison poison;
  poison.flaw = static_cast<Flaw>(stream.Below(kFlaws));
  // Bounds that were raised for it are not enough, once.
  poison.outgrows = poison_ && poison_->flaw == Flaw::too_large && known_.task->attempt == 2;
  if (poison.outgrows) poison.flaw = Flaw::too_large;
  poison.link = AnyLink(stream);
  poison.seed = stream.Next();
  if (poison.link == 0) return;
  ++world_.happened().hostile_flaws.at(static_cast<std::size_t>(poison.flaw));
  poison.bytes = SoundBytes(layout_);
  SpoilBytes(poison, stream);
  poison.offer = {known_.task->id, Xxh128Of(poison.bytes), poison.bytes.size(), 1,
                  known_.task->base_version};
  SpoilOffer(poison, stream);
  Say(poison.link, Channel::control, {known_.fence, poison.offer});
  poison_ = std::move(poison);
}

void HostileNode::SpoilBytes(Poison& poison, KeyedStream& stream) {
  const std::uint64_t tensor = stream.Below(layout_.entries().size());
  const auto& entry = layout_.entries()[tensor];
  const std::uint64_t at =
      entry.offset_bytes + sizeof(float) * stream.Below(entry.size_bytes / sizeof(float));
  if (poison.flaw == Flaw::not_finite) {
    const float values[] = {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()};
    Put(poison.bytes, at, values[stream.Below(std::size(values))]);
  } else if (poison.flaw == Flaw::too_large) {
    const auto& scales = known_.task->scales;
    const float bound = tensor < scales.size() ? std::ldexp(1.0F, scales[tensor].bound_log2) : 8.0F;
    const float values[] = {bound, -bound, std::numeric_limits<float>::max()};
    Put(poison.bytes, at, poison.outgrows ? bound : values[stream.Below(std::size(values))]);
  } else if (poison.flaw == Flaw::gap) {
    const std::uint64_t behind = entry.offset_bytes + entry.size_bytes;
    if (behind < poison.bytes.size()) poison.bytes[behind] = std::byte{1};
  }
}

void HostileNode::SpoilOffer(Poison& poison, KeyedStream& stream) {
  Offer& offer = poison.offer;
  if (poison.flaw == Flaw::digest) {
    offer.digest.front() ^= std::byte{1};
  } else if (poison.flaw == Flaw::weight) {
    const std::uint64_t weights[] = {0, limits::kWeightMaxDefault + 1, 1ULL << 29, 1ULL << 63,
                                     std::numeric_limits<std::uint64_t>::max()};
    offer.weight = weights[stream.Below(std::size(weights))];
  } else if (poison.flaw == Flaw::size) {
    offer.bytes = ForgeNumber(stream, offer.bytes);
  } else if (poison.flaw == Flaw::id) {
    offer.id = ForgeId(stream, known_);
  } else if (poison.flaw == Flaw::base) {
    offer.base_version = ForgeNumber(stream, offer.base_version);
  }
}

void HostileNode::OnGrant(LinkId link, const Grant& grant) {
  if (!poison_ || link != poison_->link || grant.id != poison_->offer.id) return;
  poison_->granted = true;
  poison_->sent = grant.offset;
  SendUpdate();
}

void HostileNode::SendChunk(std::uint64_t offset, std::uint64_t bytes, const Fence& fence) {
  const Poison& poison = *poison_;
  const std::uint64_t from = std::min<std::uint64_t>(offset, poison.bytes.size() - bytes);
  const auto payload = std::make_shared<const Bytes>(
      poison.bytes.begin() + static_cast<std::ptrdiff_t>(from),
      poison.bytes.begin() + static_cast<std::ptrdiff_t>(from + bytes));
  std::uint64_t checksum = Xxh64Of(*payload);
  if (poison.flaw == Flaw::checksum) checksum ^= 1;
  Say(poison.link, Channel::bulk,
      {fence, UpdateChunk{poison.offer.id, offset, static_cast<std::uint32_t>(bytes), checksum},
       payload});
}

// Only as much as one window holds goes without credit; models here are smaller.
void HostileNode::SendUpdate() {
  Poison& poison = *poison_;
  const std::uint64_t size = poison.bytes.size();
  const std::uint64_t chunk = std::min<std::uint64_t>(limits::kTransferChunkBytes, size);
  KeyedStream stream(poison.seed, "chunks", {poison.sent});
  switch (poison.flaw) {
    case Flaw::silence:
      return;
    case Flaw::drip:
      if (poison.sent + kDripBytes <= size) SendChunk(poison.sent, kDripBytes, known_.fence);
      poison.sent += kDripBytes;
      return;
    case Flaw::disorder: {
      Fence stale = known_.fence;  // All else of the first one is right.
      ++stale.epoch.nonce;
      SendChunk(poison.sent, std::min(chunk, size - poison.sent), stale);
      for (int i = 0; i < 4; ++i) {
        SendChunk(ForgeNumber(stream, size / 2) % (2 * size), chunk / 2, known_.fence);
      }
      return;
    }
    case Flaw::beyond_credit:
      for (std::uint64_t i = 0; i < kSurplusChunks; ++i) SendChunk(0, chunk, known_.fence);
      return;
    default:
      break;
  }
  const std::uint64_t end = poison.flaw == Flaw::half ? size / 2 : size;
  const bool of_weight = poison.flaw == Flaw::none || stream.Below(2) == 0;
  const bool thinks_again = poison.flaw == Flaw::none || poison.flaw == Flaw::second_thought;
  while (poison.sent < end) {
    const std::uint64_t bytes = std::min(chunk, end - poison.sent);
    SendChunk(poison.sent, bytes, known_.fence);
    poison.sent += bytes;
    if (!thinks_again || of_weight) continue;
    poison.offer.digest.front() ^= std::byte{1};
    return Say(poison.link, Channel::control, {known_.fence, poison.offer});
  }
  if (!thinks_again) return;
  for (int i = 0; i < kSecondThoughts; ++i) {
    ++poison.offer.weight;  // While it is summed and becomes durable.
    Say(poison.link, Channel::control, {known_.fence, poison.offer});
  }
}

}  // namespace muster::simulator
