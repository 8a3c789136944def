#include "transport/wake.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "common/error.h"

namespace muster {

WakeFlag::WakeFlag() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  MUSTER_CHECK(fd_.valid(), "an eventfd can be made");
}

void WakeFlag::Set() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it is set.
  [[maybe_unused]] const auto written = write(fd_.get(), &one, sizeof(one));
}

bool WakeFlag::Take() {
  std::uint64_t count = 0;
  return read(fd_.get(), &count, sizeof(count)) == sizeof(count);
}

}  // namespace muster
