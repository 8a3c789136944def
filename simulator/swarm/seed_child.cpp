// One seed in a child process. What the child tells is: the ending, the sentence, and the faults as
// they lie in memory; a crashed child tells the faults alone and its exit code.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "simulator/swarm/crash_guard.h"
#include "simulator/swarm/shrink.h"

namespace muster::simulator {
namespace {

void WriteAll(int descriptor, const void* bytes, std::size_t count) {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    next += written;
    count -= static_cast<std::size_t>(written);
  }
}

std::string ReadAll(int descriptor) {
  std::string all;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(got));
  }
}

std::vector<Fault> FaultsIn(std::string_view bytes) {
  std::vector<Fault> faults(bytes.size() / sizeof(Fault));
  std::memcpy(faults.data(), bytes.data(), faults.size() * sizeof(Fault));
  return faults;
}

/// Before the sentence and the faults of a child that did not crash.
struct ChildHead {
  std::uint64_t ending = 0, hash = 0, commits = 0, events = 0, simulated = 0, text_bytes = 0;
};

[[noreturn]] void BeChild(const SeedRun& run, int descriptor) {
  InstallCrashGuard();
  DumpFaultsOnCrash(descriptor);
  const SeedOutcome outcome = RunSeed(run);
  const ChildHead head = {static_cast<std::uint64_t>(outcome.ending),
                          outcome.hash,
                          outcome.commits,
                          outcome.events,
                          static_cast<std::uint64_t>(outcome.simulated),
                          outcome.what.size()};
  WriteAll(descriptor, &head, sizeof head);
  WriteAll(descriptor, outcome.what.data(), outcome.what.size());
  WriteAll(descriptor, outcome.faults.data(), outcome.faults.size() * sizeof(Fault));
  ::_exit(0);
}

SeedOutcome Crashed(const std::string& why, std::string_view told) {
  SeedOutcome outcome;
  outcome.ending = Ending::crash;
  outcome.what = why;
  outcome.faults = FaultsIn(told);
  return outcome;
}

}  // namespace

SeedOutcome RunSeedInChild(const SeedRun& run) {
  int ends[2];
  if (::pipe(ends) != 0) return Crashed(std::string("no pipe: ") + std::strerror(errno), "");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    BeChild(run, ends[1]);
  }
  ::close(ends[1]);
  const std::string told = ReadAll(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0) return Crashed("no child process", "");
  ChildHead head;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || told.size() < sizeof head) {
    return Crashed("the process ended; what it said stands above", told);
  }
  std::memcpy(&head, told.data(), sizeof head);
  SeedOutcome outcome;
  outcome.ending = static_cast<Ending>(head.ending);
  outcome.hash = head.hash;
  outcome.commits = head.commits;
  outcome.events = head.events;
  outcome.simulated = static_cast<Micros>(head.simulated);
  outcome.what = told.substr(sizeof head, head.text_bytes);
  outcome.faults = FaultsIn(std::string_view(told).substr(sizeof head + head.text_bytes));
  return outcome;
}

}  // namespace muster::simulator
