// The machine's monotonic clock, in one place. Cores never read it: they are told the time.
#pragma once

#include "common/ids.h"

namespace muster {

/// Now. Never goes back; stands still while the machine is suspended. Thread-safe.
MonotonicMs MonotonicNow();

}  // namespace muster
