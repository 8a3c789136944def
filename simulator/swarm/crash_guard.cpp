#include "simulator/swarm/crash_guard.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "common/error.h"
#include "simulator/swarm/seed_frames.h"

namespace muster::simulator {
namespace {

constexpr int kFatalSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr std::size_t kSignalStackBytes = 1U << 16;

/// How far the thread is: whoever stands still does not change it.
struct Place {
  std::uint64_t runs = 0, events = 0;
  bool operator==(const Place&) const = default;
};

thread_local World* running_world = nullptr;
thread_local std::uint64_t runs_begun = 0;
thread_local Place last_place;
int crash_descriptor = -1;
/// A stack that overflowed has no room for a handler.
alignas(16) char signal_stack[kSignalStackBytes];

// Only what may be called in a signal handler from here on: no allocation, no locks.
void WriteAll(const void* bytes, std::size_t count) {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(crash_descriptor, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    next += written;
    count -= static_cast<std::size_t>(written);
  }
}

void WriteCrash() {
  if (running_world == nullptr) return;
  const std::vector<Fault>& faults = running_world->schedule().happened();
  const std::size_t bytes = faults.size() * sizeof(Fault);
  const CrashFrame crash = {running_world->hash(), running_world->happened().events,
                            static_cast<std::uint64_t>(running_world->now())};
  const FrameHead head = {FrameKind::crash, sizeof crash + bytes};
  WriteAll(&head, sizeof head);
  WriteAll(&crash, sizeof crash);
  WriteAll(faults.data(), bytes);
}

/// The signal comes again when the handler returns, and ends the process.
void EndBy(int number) {
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void OnFatalSignal(int number) {
  WriteCrash();
  EndBy(number);
}

void OnCpuTime(int number) {
  const Place place = {runs_begun, running_world == nullptr ? 0 : running_world->happened().events};
  if (place == last_place) {
    WriteCrash();
    EndBy(number);
  }
  last_place = place;
}

void Handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_ONSTACK | SA_RESTART;
  ::sigaction(number, &action, nullptr);
}

/// Counts this thread's CPU time, and tells this thread.
void StartCpuTimer(std::chrono::milliseconds every) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGXCPU;
  event._sigev_un._tid = ::gettid();
  timer_t timer{};
  MUSTER_CHECK(::timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0, "a timer can be made");
  itimerspec times{};
  times.it_interval.tv_sec = every.count() / 1000;
  times.it_interval.tv_nsec = every.count() % 1000 * 1'000'000;
  times.it_value = times.it_interval;
  ::timer_settime(timer, 0, &times, nullptr);
}

}  // namespace

void InstallCrashGuard(int descriptor, std::chrono::milliseconds step_cpu) {
  crash_descriptor = descriptor;
  stack_t stack{};
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof signal_stack;
  ::sigaltstack(&stack, nullptr);
  for (const int number : kFatalSignals) Handle(number, OnFatalSignal);
  Handle(SIGXCPU, OnCpuTime);
  StartCpuTimer(step_cpu);
}

RunningSeed::RunningSeed(World& world) {
  ++runs_begun;
  running_world = &world;
}

RunningSeed::~RunningSeed() { running_world = nullptr; }

}  // namespace muster::simulator
