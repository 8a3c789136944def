#include "checkpoint/internal/value_seal.h"

#include <algorithm>

namespace muster::checkpoint {
namespace {

constexpr std::size_t kNonceOffset = sizeof(kSealFormat) + sizeof(DataKeyId);
constexpr std::size_t kTextOffset = kNonceOffset + kGcmNonceBytes;

/// Fields of fixed size, and the one that is not at the end: two places never have equal bytes.
Bytes PlaceOf(const StateId& state_id, DataKeyId data_key, Family family, std::string_view key) {
  constexpr std::size_t kFamilyOffset = kNonceOffset + sizeof(StateId);
  Bytes place(kFamilyOffset + 1);
  StoreLittle(place, 0, kSealFormat);
  StoreLittle(place, sizeof(kSealFormat), data_key);
  StoreLittle(place, kNonceOffset, state_id);
  place[kFamilyOffset] = static_cast<std::byte>(family);
  const ByteSpan bytes = AsBytes(key);
  place.insert(place.end(), bytes.begin(), bytes.end());
  return place;
}

Error Damage(std::string_view what) { return {Reason::damage, "it " + std::string(what)}; }

}  // namespace

Bytes SealValue(const StateId& state_id, const DataKey& data_key, Family family,
                std::string_view key, ByteSpan value) {
  const GcmNonce nonce = RandomNonce();
  Bytes sealed(kTextOffset + value.size() + kGcmTagBytes);
  StoreLittle(sealed, 0, kSealFormat);
  StoreLittle(sealed, sizeof(kSealFormat), data_key.id);
  StoreLittle(sealed, kNonceOffset, nonce);
  const GcmTag tag =
      data_key.cipher.Seal(nonce, PlaceOf(state_id, data_key.id, family, key), value,
                           MutableByteSpan(sealed).subspan(kTextOffset, value.size()));
  StoreLittle(sealed, kTextOffset + value.size(), tag);
  return sealed;
}

Result<std::string> OpenValue(const KeyRing& keys, Family family, std::string_view key,
                              ByteSpan sealed) {
  if (sealed.empty()) return Damage("is empty");
  const auto format = LoadLittle<std::uint8_t>(sealed, 0);
  if (format > kSealFormat) {
    return Error{Reason::unsupported, "it is sealed in format " + std::to_string(format) +
                                          ", this build reads " + std::to_string(kSealFormat) +
                                          ": use the newer build that wrote it"};
  }
  if (format != kSealFormat) return Damage("is not sealed");
  if (sealed.size() < kTextOffset + kGcmTagBytes) return Damage("is too short to be sealed");
  const auto id = LoadLittle<DataKeyId>(sealed, sizeof(kSealFormat));
  const DataKeyPtr data_key = keys.Find(id);
  if (data_key == nullptr)
    return Damage("names data key " + std::to_string(id) + ", which is none");
  const ByteSpan text = sealed.subspan(kTextOffset, sealed.size() - kTextOffset - kGcmTagBytes);
  std::string value(text.size(), '\0');
  const MutableByteSpan room(reinterpret_cast<std::byte*>(value.data()), value.size());
  if (data_key->cipher.Open(LoadLittle<GcmNonce>(sealed, kNonceOffset),
                            PlaceOf(keys.state_id(), id, family, key), text,
                            LoadLittle<GcmTag>(sealed, kTextOffset + text.size()), room)) {
    return value;
  }
  return Damage("does not open: other bytes than were sealed there");
}

}  // namespace muster::checkpoint
