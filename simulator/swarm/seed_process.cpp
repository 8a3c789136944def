#include "simulator/swarm/seed_process.h"

#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "common/error.h"
#include "simulator/swarm/seed_frames.h"

namespace muster::simulator {
namespace {

void WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void WriteFrame(int socket, FrameKind kind, std::string_view payload) {
  const FrameHead head = {kind, payload.size()};
  std::string frame(reinterpret_cast<const char*>(&head), sizeof head);
  WriteAll(socket, frame.append(payload));
}

/// False when the parent is gone.
bool ReadSeed(int socket, std::uint64_t& seed) {
  for (;;) {
    const ssize_t got = ::recv(socket, &seed, sizeof seed, MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    return got == static_cast<ssize_t>(sizeof seed);
  }
}

/// What a seed frees is there for the next one: the kernel would clear it anew for each.
void KeepFreedMemory() {
  constexpr int kKept = 256 << 20;
  constexpr int kGrownBy = 1 << 20;
  constexpr int kNeverMapped = 32 << 20;  // The most that it takes.
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  ::mallopt(M_TOP_PAD, kGrownBy);
  ::mallopt(M_MMAP_THRESHOLD, kNeverMapped);
}

[[noreturn]] void BeChild(int socket, int errors, pid_t parent, const SeedProcess::Play& play,
                          std::chrono::milliseconds step_cpu) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // Of a terminal they come to both; the parent decides what they mean.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  // One that is looked for by shrinking crashes hundreds of times.
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (errors >= 0) ::dup2(errors, STDERR_FILENO);
  InstallCrashGuard(socket, step_cpu);
  KeepFreedMemory();
  std::uint64_t seed = 0;
  while (ReadSeed(socket, seed)) {
    const SeedOutcome outcome = play(seed, [socket](const StoryLine& line) {
      WriteFrame(socket, FrameKind::story, EncodeStoryLine(line));
    });
    WriteFrame(socket, FrameKind::outcome, EncodeOutcome(outcome));
  }
  ::_exit(0);
}

std::string WhyEnded(int status, std::chrono::milliseconds step_cpu) {
  if (WIFEXITED(status)) return "the process exited with " + std::to_string(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  if (number == SIGXCPU) {
    return "endless loop: one step took more than " + std::to_string(step_cpu.count()) +
           " ms of CPU time";
  }
  return "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}

}  // namespace

SeedProcess::SeedProcess(Play play, Listener on_story, std::chrono::milliseconds step_cpu)
    : play_(std::move(play)), on_story_(std::move(on_story)), step_cpu_(step_cpu) {}

SeedProcess::~SeedProcess() {
  if (child_ > 0) ::kill(child_, SIGKILL);
  Close();
}

void SeedProcess::Ask(std::uint64_t seed) {
  MUSTER_CHECK(!busy_, "one seed at a time");
  busy_ = true;
  if (child_ < 0) not_started_ = Start();
  // A child that is gone is found when its answer is read.
  if (child_ > 0) ::send(socket_, &seed, sizeof seed, MSG_NOSIGNAL);
}

std::string SeedProcess::Start() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return std::string("no socket: ") + std::strerror(errno);
  }
  errors_ = ::memfd_create("errors", MFD_CLOEXEC);
  passed_on_ = 0;
  const pid_t parent = ::getpid();
  child_ = ::fork();
  if (child_ == 0) {
    ::close(ends[0]);
    BeChild(ends[1], errors_, parent, play_, step_cpu_);
  }
  const int error = errno;
  ::close(ends[1]);
  socket_ = ends[0];
  if (child_ > 0) return "";
  Close();
  return std::string("no child process: ") + std::strerror(error);
}

std::optional<SeedOutcome> SeedProcess::Read() {
  if (child_ < 0) return Crashed();
  std::array<char, 1 << 16> buffer;
  const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EINTR) return std::nullopt;
  if (got <= 0) return Crashed();
  received_.append(buffer.data(), static_cast<std::size_t>(got));
  return TakeFrames();
}

std::optional<SeedOutcome> SeedProcess::TakeFrames() {
  std::string_view left = received_;
  std::optional<SeedOutcome> outcome;
  FrameHead head;
  while (!outcome && left.size() >= sizeof head) {
    std::memcpy(&head, left.data(), sizeof head);
    // What a crash says is taken when the process has ended.
    if (head.kind == FrameKind::crash || left.size() - sizeof head < head.bytes) break;
    const std::string_view payload = left.substr(sizeof head, head.bytes);
    left.remove_prefix(sizeof head + head.bytes);
    if (head.kind == FrameKind::outcome) {
      outcome = DecodeOutcome(payload);
    } else if (const auto line = DecodeStoryLine(payload); line && on_story_) {
      on_story_(*line);
    }
  }
  received_.erase(0, received_.size() - left.size());
  if (!outcome) return std::nullopt;
  PassOn();
  busy_ = false;
  return outcome;
}

SeedOutcome SeedProcess::Crashed() {
  std::optional<SeedOutcome> crashed;
  if (received_.size() > sizeof(FrameHead)) {
    crashed = DecodeCrash(std::string_view(received_).substr(sizeof(FrameHead)));
  }
  SeedOutcome outcome = crashed.value_or(SeedOutcome());
  outcome.ending = Ending::crash;
  outcome.what = not_started_;
  if (child_ > 0) {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    const std::string said = PassOn();
    outcome.what = WhyEnded(status, step_cpu_) + (said.empty() ? "" : ": " + said);
  }
  Close();
  busy_ = false;
  return outcome;
}

std::string SeedProcess::PassOn() {
  std::string said;
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = ::pread(errors_, buffer.data(), buffer.size(), passed_on_)) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(got));
    passed_on_ += got;
  }
  WriteAll(STDERR_FILENO, said);
  return said.substr(0, said.find('\n'));
}

void SeedProcess::Close() {
  if (child_ > 0) {
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (socket_ >= 0) ::close(socket_);
  if (errors_ >= 0) ::close(errors_);
  child_ = socket_ = errors_ = -1;
  received_.clear();
}

SeedOutcome RunSeedInChild(const SeedRun& run) {
  std::vector<StoryLine> story;
  const auto play = [&run](std::uint64_t /*seed*/, const SeedProcess::Listener& tell) {
    SeedRun told = run;
    told.on_story = tell;
    return RunSeed(told);
  };
  const auto on_story = [&](const StoryLine& line) {
    if (run.on_story) {
      run.on_story(line);
    } else {
      story.push_back(line);
    }
  };
  SeedProcess process(play, on_story);
  process.Ask(run.options.seed);
  std::optional<SeedOutcome> outcome;
  while (!outcome) outcome = process.Read();
  outcome->story = std::move(story);
  return *outcome;
}

}  // namespace muster::simulator
