#include "common/random.h"

#include <openssl/rand.h>

#include <bit>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/error.h"

namespace muster {
namespace {

// Inlined into whatever draws many numbers, where a call each would cost as much as the number.
inline std::uint64_t Advance(std::uint64_t (&state)[4]) {
  const std::uint64_t result = std::rotl(state[0] + state[3], 23) + state[0];
  const std::uint64_t t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = std::rotl(state[3], 45);
  return result;
}

}  // namespace

KeyedStream::KeyedStream(std::uint64_t seed, std::string_view stream_name,
                         std::initializer_list<std::uint64_t> coordinates) {
  // Unambiguous by construction: a fixed prefix, then the name's length, the name, the numbers.
  Bytes key(8 + 8 + stream_name.size() + 8 * coordinates.size());
  StoreLittle(key, 0, seed);
  StoreLittle(key, 8, static_cast<std::uint64_t>(stream_name.size()));
  std::memcpy(key.data() + 16, stream_name.data(), stream_name.size());
  std::size_t offset = 16 + stream_name.size();
  for (std::uint64_t coordinate : coordinates) {
    StoreLittle(key, offset, coordinate);
    offset += 8;
  }
  const Sha256Digest digest = Sha256Of(key);
  for (std::size_t i = 0; i < 4; ++i) state_[i] = LoadLittle<std::uint64_t>(digest, i * 8);
}

std::uint64_t KeyedStream::Next() { return Advance(state_); }

std::uint64_t KeyedStream::Below(std::uint64_t bound) {
  MUSTER_CHECK(bound > 0, "an empty range has no number");
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(Next()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<Wide>(Next()) * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double KeyedStream::Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

float KeyedStream::Uniform(float low, float high) {
  const float unit = static_cast<float>(Advance(state_) >> 40) * 0x1p-24F;
  return low + (high - low) * unit;
}

std::uint64_t KeyedNumber(std::uint64_t seed, std::string_view stream_name,
                          std::initializer_list<std::uint64_t> coordinates) {
  return KeyedStream(seed, stream_name, coordinates).Next();
}

std::uint64_t SystemRandom() {
  std::uint64_t value = 0;
  MUSTER_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof(value)) == 1,
               "the system has no random numbers");
  return value;
}

}  // namespace muster
