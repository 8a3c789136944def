// The one shuffle of the project's training: equal on every standard library, unlike std::shuffle.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/random.h"

namespace muster {

/// Fisher and Yates' shuffle; every order is equally likely.
inline void Shuffle(std::vector<std::uint32_t>& numbers, KeyedStream& stream) {
  for (std::size_t left = numbers.size(); left > 1; --left) {
    std::swap(numbers[left - 1], numbers[stream.Below(left)]);
  }
}

}  // namespace muster
