#include "common/clock.h"

#include <chrono>

namespace muster {

MonotonicMs MonotonicNow() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace muster
