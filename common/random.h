// Keyed randomness: every random number of a job is PRF(job seed, stream name, coordinates).
// There is no counter that a restart would move, so any draw can be made again by anybody.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace muster {

/// A stream of pseudo-random numbers, a pure function of its key. The key is hashed with SHA-256
/// into the state of xoshiro256++ (Blackman and Vigna 2021, "Scrambled Linear Pseudorandom Number
/// Generators"): equal bits on every machine. Not for secrets. Not thread-safe; cheap to make.
class KeyedStream {
 public:
  /// `coordinates` are, by convention, round, slot, task and what the stream adds of its own.
  KeyedStream(std::uint64_t seed, std::string_view stream_name,
              std::initializer_list<std::uint64_t> coordinates);

  std::uint64_t Next();
  /// Uniform in [0, bound), without bias (Lemire 2019). REQUIRES: bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  /// Uniform in [0, 1) with 53 bits.
  double Unit();
  /// Uniform in [low, high) with 24 bits; rounding may give `high` itself, but not where low is 0
  /// or -high.
  float Uniform(float low, float high);

 private:
  std::uint64_t state_[4];
};

/// The first 64 bits of the stream: for ranking and for deriving seeds.
std::uint64_t KeyedNumber(std::uint64_t seed, std::string_view stream_name,
                          std::initializer_list<std::uint64_t> coordinates);

/// 64 bits from the operating system's generator: for nonces and incarnations.
std::uint64_t SystemRandom();

}  // namespace muster
