// How many seeds a test runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace muster::simulator {

/// What the environment variable says, `least` at least; `otherwise` where it is not set. Throws on
/// what is no number: the test run is wrong.
inline std::uint64_t SeedCount(const char* variable, std::uint64_t otherwise,
                               std::uint64_t least = 0) {
  const char* wanted = std::getenv(variable);
  if (wanted == nullptr) return otherwise;
  return std::max<std::uint64_t>(std::stoull(wanted), least);
}

}  // namespace muster::simulator
