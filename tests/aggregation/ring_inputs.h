// Seeded inputs for the ring's tests: made of bits, so that no compiler flag can change them.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "aggregation/ring_sum.h"
#include "common/random.h"
#include "model/parameter_set.h"

namespace muster::testing {

/// A float whose sign, exponent and mantissa are uniform, |x| < 2^bound_log2; subnormals included.
inline float AnyFloatBelow(KeyedStream& stream, std::int32_t bound_log2) {
  const std::uint64_t exponent_count = static_cast<std::uint64_t>(bound_log2) + 127;
  const std::uint64_t exponent = stream.Below(exponent_count);
  const std::uint64_t sign_and_mantissa = stream.Next();
  return std::bit_cast<float>(
      static_cast<std::uint32_t>((sign_and_mantissa & 0x807fffffU) | (exponent << 23)));
}

/// A float of the size of real deltas: |x| in [2^-16, 2) or zero.
inline float DeltaLikeFloat(KeyedStream& stream) {
  const std::uint64_t bits = stream.Next();
  if (bits >> 60 == 0) return 0.0F;
  const std::uint64_t exponent = 111 + (bits >> 32) % 17;
  return std::bit_cast<float>(static_cast<std::uint32_t>((bits & 0x807fffffU) | (exponent << 23)));
}

inline ParameterLayout Layout(const std::vector<std::vector<std::uint64_t>>& shapes) {
  std::vector<TensorSpec> specs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    specs.push_back({"layer" + std::to_string(i), DType::f32, shapes[i]});
  }
  return ParameterLayout::Create(std::move(specs)).value();
}

/// The one lane of these tensors.
inline LaneSet OneLane(const ParameterLayout& layout, LaneWeight weight = LaneWeight::update) {
  return LaneSet::Create({{"delta", layout, weight}}, layout).value();
}

template <typename Draw>
ParameterSet Filled(const ParameterLayout& layout, const Draw& draw) {
  ParameterSet set(layout);
  for (std::size_t tensor = 0; tensor < layout.entries().size(); ++tensor) {
    for (float& value : set.F32(tensor)) value = draw();
  }
  return set;
}

/// A source that copies from `update`, which must outlive it.
inline UpdateSource SourceOf(const ParameterSet& update, std::uint64_t weight) {
  return {[&update](std::uint64_t offset, MutableByteSpan bytes) {
            const ByteSpan part = update.bytes().subspan(offset, bytes.size());
            std::copy(part.begin(), part.end(), bytes.begin());
            return Status();
          },
          weight};
}

/// round(weight * value * 2^scale_log2), ties to even, by integers alone. The independent reference
/// of the ring's kernel. REQUIRES: the result is below 2^62.
inline std::int64_t RoundedProduct(float value, std::uint64_t weight, std::int32_t scale_log2) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t biased_exponent = (bits >> 23) & 0xff;
  const std::uint64_t fraction = bits & 0x7fffff;
  const std::uint64_t mantissa = biased_exponent == 0 ? fraction : fraction | 0x800000;
  const std::uint64_t product = mantissa * weight;
  const std::int32_t shift =
      (biased_exponent == 0 ? -149 : static_cast<std::int32_t>(biased_exponent) - 150) + scale_log2;
  std::uint64_t rounded = 0;
  if (shift >= 0) {
    rounded = product << shift;
  } else if (shift > -63) {
    const std::uint64_t rest = product & ((1ULL << -shift) - 1);
    const std::uint64_t half = 1ULL << (-shift - 1);
    rounded = product >> -shift;
    if (rest > half || (rest == half && rounded % 2 == 1)) ++rounded;
  }
  const auto magnitude = static_cast<std::int64_t>(rounded);
  return bits >> 31 == 1 ? -magnitude : magnitude;
}

}  // namespace muster::testing
