// Preloaded into a process: its wall clock jumps by up to a year, back and forth, at every look.
// The monotonic clock is left as it is.
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace {

constexpr std::int64_t kYearSeconds = 366LL * 24 * 3600;

std::int64_t Jump() {
  static std::atomic<std::uint64_t> looks{0};
  // Steps that never repeat soon, the same in every run.
  const std::uint64_t mixed = (looks.fetch_add(1) + 1) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::int64_t>(mixed >> 33) % (2 * kYearSeconds) - kYearSeconds;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += Jump();
  return result;
}

extern "C" int gettimeofday(struct timeval* __restrict time, void* __restrict zone) noexcept {
  const auto result = static_cast<int>(syscall(SYS_gettimeofday, time, zone));
  if (result == 0) time->tv_sec += Jump();
  return result;
}

extern "C" time_t time(time_t* result) noexcept {
  struct timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}
