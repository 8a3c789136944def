#include "aggregation/floating_point.h"

namespace muster {
namespace {

// Volatile, so that the processor computes these and not the compiler.
bool RoundsToNearestEven() {
  const volatile double one = 1.0;
  const volatile double half_step = PowerOfTwo(-53);
  const volatile double step = PowerOfTwo(-52);
  const volatile double odd = one + step;
  // The first excludes upward; the second downward and towards zero.
  return one + half_step == one && odd + half_step == one + 2 * step;
}

bool KeepsSubnormals() {
  const volatile double double_min = std::numeric_limits<double>::min();
  const volatile double double_subnormal = std::numeric_limits<double>::denorm_min();
  const volatile float float_min = std::numeric_limits<float>::min();
  const volatile float float_subnormal = std::numeric_limits<float>::denorm_min();
  return double_min * 0.5 > 0.0 && double_subnormal * 2.0 > 0.0 && float_min * 0.5F > 0.0F &&
         static_cast<double>(float_subnormal) > 0.0;
}

}  // namespace

Status CheckFloatingPoint() {
  if (!RoundsToNearestEven()) {
    return Error{Reason::unsupported,
                 "this process does not round to nearest even; some library changed the rounding "
                 "mode, and versions would not be reproducible"};
  }
  if (!KeepsSubnormals()) {
    return Error{Reason::unsupported,
                 "this process flushes subnormal numbers to zero; some library was built with "
                 "-ffast-math, and versions would not be reproducible"};
  }
  return {};
}

}  // namespace muster
