#include "cli/stop_signals.h"

#include <signal.h>

#include <atomic>

namespace muster::cli {
namespace {

std::atomic<int> stop_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "it is set in a signal handler");

void OnStopSignal(int number) {
  stop_signal = number;
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void NoteStopSignals() {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    // `nohup` and shells that start a command in the background ask for that.
    if (action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = OnStopSignal;
    action.sa_flags = SA_RESTART;
    ::sigaction(number, &action, nullptr);
  }
}

int StopSignal() { return stop_signal; }

}  // namespace muster::cli
