#include "simulator/swarm/crash_guard.h"

#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "simulator/swarm/seed_run.h"

namespace muster::simulator {
namespace {

constexpr int kFatalSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

thread_local const Schedule* running_schedule = nullptr;
thread_local std::uint64_t running_seed = 0;
int dump_descriptor = -1;

static_assert(std::is_trivially_copyable_v<Fault>, "they are dumped as they lie");

// Only what may be called in a signal handler: no allocation, no locks.
void WriteAll(int descriptor, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = ::write(descriptor, bytes, count);
    if (written <= 0) return;
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

void Say(std::string_view text) { WriteAll(STDERR_FILENO, text.data(), text.size()); }

void Say(std::uint64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  WriteAll(STDERR_FILENO, digits, static_cast<std::size_t>(end - digits));
}

void OnFatalSignal(int number) {
  if (running_schedule == nullptr) {
    ::signal(number, SIG_DFL);
    ::raise(number);
    return;
  }
  const std::vector<Fault>& faults = running_schedule->happened();
  if (dump_descriptor >= 0) {
    WriteAll(dump_descriptor, reinterpret_cast<const char*>(faults.data()),
             faults.size() * sizeof(Fault));
  } else {
    Say("CRASH: seed ");
    Say(running_seed);
    Say(" ended its process by signal ");
    Say(static_cast<std::uint64_t>(number));
    Say(" after ");
    Say(faults.size());
    Say(" faults; replay: muster simulate --seed ");
    Say(running_seed);
    Say(" --story\n");
  }
  ::_exit(ExitCodeOf(Ending::crash));
}

}  // namespace

void InstallCrashGuard() {
  struct sigaction action {};
  action.sa_handler = OnFatalSignal;
  for (const int number : kFatalSignals) ::sigaction(number, &action, nullptr);
}

void DumpFaultsOnCrash(int descriptor) { dump_descriptor = descriptor; }

RunningSeed::RunningSeed(std::uint64_t seed, const Schedule& schedule) {
  running_seed = seed;
  running_schedule = &schedule;
}

RunningSeed::~RunningSeed() { running_schedule = nullptr; }

}  // namespace muster::simulator
