// What a round waits for between its last accept and the first task of the next one, and what a
// round writes to the disk: the real runtime, store and spool, ten participants of the synthetic
// trainer in threads of this process, connected in memory. Beside it what the machine gives for the
// same bytes.
//   commit_bench [DIRECTORY] [ROUNDS]   (default: the current one, 100; 0.8 GB a hundred rounds)
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/digest.h"
#include "coordinator/runtime/serve.h"
#include "protocol/header.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "tests/coordinator_runtime/scripted_participant.h"
#include "transport/memory_transport.h"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kParticipants = 10;
constexpr std::uint64_t kParameters = 2'000'000;
constexpr std::uint64_t kVersionBytes = kParameters * sizeof(float);
constexpr std::size_t kWarmUpRounds = 3;  ///< First touches of memory and of the spool.

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "commit_bench: %s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T Must(Result<T> result) {
  if (!result) Die(result.error().Text());
  return std::move(*result);
}

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double MillisecondsOf(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return MillisecondsSince(start);
}

void Print(const char* what, std::vector<double> ms) {
  if (ms.empty()) Die(std::string("nothing was measured: ") + what);
  std::sort(ms.begin(), ms.end());
  std::printf("%-46s %6zu %10.2f %10.2f\n", what, ms.size(), ms[ms.size() / 2],
              ms[ms.size() * 99 / 100]);
}

/// Bytes that this process has sent towards the disk.
std::uint64_t WrittenBytes() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "write_bytes:") return value;
  }
  Die("/proc/self/io does not say write_bytes");
}

/// The bulk socket, noting when the newest piece of an update came.
class TimedBulkSocket : public ServerSocket {
 public:
  explicit TimedBulkSocket(ServerSocket& socket) : socket_(socket) {}

  SendResult Send(LinkId link, Frame frame) override {
    return socket_.Send(link, std::move(frame));
  }
  void Poll(std::chrono::milliseconds timeout, std::vector<ServerMessage>& messages) override {
    const std::size_t before = messages.size();
    socket_.Poll(timeout, messages);
    for (std::size_t i = before; i < messages.size(); ++i) {
      const auto parsed = ParseHeader(messages[i].frame.head);
      if (parsed && parsed->type == MessageType::update_chunk) chunk_at_ = Clock::now();
    }
  }
  void Wake() override { socket_.Wake(); }
  void Drop(LinkId link) override { socket_.Drop(link); }
  std::string endpoint() const override { return socket_.endpoint(); }

  Clock::time_point chunk_at() const { return chunk_at_; }

 private:
  ServerSocket& socket_;
  std::atomic<Clock::time_point> chunk_at_{Clock::time_point()};
};

/// The control socket, with a look at the clock for every word that ends a stretch of a round. With
/// a straggler, the offer of the last participant is held back until all others are accepted and
/// had time to be folded: then the wait is that for one update, else that for all at once.
class TimedSocket : public ServerSocket {
 public:
  TimedSocket(ServerSocket& socket, const TimedBulkSocket& bulk, std::optional<PublicKey> straggler)
      : socket_(socket), bulk_(bulk), straggler_(straggler) {}

  SendResult Send(LinkId link, Frame frame) override {
    const auto parsed = ParseHeader(frame.head);
    if (parsed) Note(parsed->type);
    return socket_.Send(link, std::move(frame));
  }
  void Poll(std::chrono::milliseconds timeout, std::vector<ServerMessage>& messages) override {
    if (held_) timeout = std::min(timeout, kHeldPoll);
    const std::size_t before = messages.size();
    socket_.Poll(timeout, messages);
    if (!straggler_) return;
    for (std::size_t i = before; i < messages.size(); ++i) {
      const auto parsed = ParseHeader(messages[i].frame.head);
      if (messages[i].identity != *straggler_ || !parsed || parsed->type != MessageType::offer) {
        continue;
      }
      held_ = std::move(messages[i]);
      messages.erase(messages.begin() + static_cast<long>(i));
      break;
    }
    if (held_ && accepted_ == kParticipants - 1 &&
        MillisecondsSince(*accepted_at_) > kStragglerMs) {
      messages.push_back(std::move(*held_));
      held_.reset();
    }
  }
  void Wake() override { socket_.Wake(); }
  void Drop(LinkId link) override { socket_.Drop(link); }
  std::string endpoint() const override { return socket_.endpoint(); }

  std::vector<double> to_committed_ms;  ///< Last accept to first `committed`.
  std::vector<double> to_task_ms;       ///< Last accept to first `task` of the next round.
  std::vector<double> from_chunk_ms;    ///< Last bytes of an update to that task.

 private:
  void Note(MessageType type) {
    if (type == MessageType::accepted) {
      accepted_at_ = Clock::now();
      committed_ = false;
      ++accepted_;
    } else if (type == MessageType::committed && accepted_at_ && !committed_) {
      committed_ = true;
      accepted_ = 0;
      to_committed_ms.push_back(MillisecondsSince(*accepted_at_));
    } else if (type == MessageType::task && committed_) {
      to_task_ms.push_back(MillisecondsSince(*accepted_at_));
      from_chunk_ms.push_back(MillisecondsSince(bulk_.chunk_at()));
      committed_ = false;
      accepted_at_.reset();
    }
  }

  static constexpr std::chrono::milliseconds kHeldPoll{5};
  static constexpr double kStragglerMs = 150;

  ServerSocket& socket_;
  const TimedBulkSocket& bulk_;
  const std::optional<PublicKey> straggler_;
  std::optional<ServerMessage> held_;
  std::uint32_t accepted_ = 0;  ///< In this round.
  std::optional<Clock::time_point> accepted_at_;
  bool committed_ = false;
};

void PrintRounds(const char* what, std::vector<double> ms) {
  ms.erase(ms.begin(), ms.begin() + static_cast<long>(std::min(kWarmUpRounds, ms.size())));
  Print(what, std::move(ms));
}

void MeasureRounds(const std::string& state_dir, std::uint64_t rounds, bool straggler) {
  const JobSpec job = testing::SyntheticJob(kParticipants, kParameters);
  const auto roster = testing::RosterOf(kParticipants);
  Batch enrolled;
  for (const RosterEntry& entry : roster) enrolled.mutations.push_back(PutRosterEntry{entry});
  if (!Must(OpenCheckpointStore(state_dir, OpenMode::create_or_open))->Write(enrolled)) {
    Die("the roster cannot be written");
  }
  const auto store = Must(OpenCheckpointStore(state_dir, OpenMode::create_or_open));
  const auto spool = Must(OpenSpool(state_dir));
  const auto trainer = Must(CreateTrainer(job, 0, {}));
  const auto strategy = CreateStrategy(job);
  const auto log = Must(coordinator::ProcessLog::Open(state_dir + "/coordinator.log"));
  auto start = Must(coordinator::Bootstrap(*store, *spool, job, {1, 1}, {*trainer, ""}, *strategy));
  ServerOptions options;
  options.state_dir = state_dir;
  options.core.rounds = rounds;

  coordinator::RosterGate gate;
  gate.SetRoster(start.state.roster);
  MemoryHub hub(gate);
  const PublicKey server_key = testing::KeyNumber(200);
  const auto control = hub.Bind(Channel::control, server_key);
  const auto bulk = hub.Bind(Channel::bulk, server_key);
  TimedBulkSocket timed_bulk(*bulk);
  TimedSocket timed(*control, timed_bulk,
                    straggler ? std::optional(roster.back().key) : std::nullopt);
  std::vector<std::unique_ptr<testing::ScriptedParticipant>> participants;
  for (const RosterEntry& entry : roster) {
    participants.push_back(std::make_unique<testing::ScriptedParticipant>(
        job, entry.index, entry.name, hub.MakeClient({entry.key}), hub.TargetOf(server_key)));
  }
  const std::uint64_t written_before = WrittenBytes();
  const auto began = Clock::now();
  Must(coordinator::Serve(job, options,
                          {*store, *spool, *trainer, *strategy, timed, timed_bulk, gate, *log},
                          std::move(start), -1));
  const double seconds = MillisecondsSince(began) / 1e3;
  const std::uint64_t written = WrittenBytes() - written_before;

  std::printf("\n%s\n", straggler ? "one update comes last, the others are folded:"
                                  : "all updates come at once:");
  PrintRounds("last accept to first committed", timed.to_committed_ms);
  PrintRounds("last accept to first task of the next round", timed.to_task_ms);
  PrintRounds("last bytes of an update to that task", timed.from_chunk_ms);
  const auto versions = static_cast<double>(rounds * kVersionBytes);
  const double updates = versions * kParticipants;
  std::printf("%.2f s a round, transfers and training included\n",
              seconds / static_cast<double>(rounds));
  std::printf("bytes written to disk: %.4f per byte of update and version together\n",
              static_cast<double>(written) / (updates + versions));
  std::printf("  beyond one write of each update: %.4f per byte of version\n",
              (static_cast<double>(written) - updates) / versions);
}

void MeasureMachine(const std::string& path) {
  constexpr int kTimes = 50;
  const int file = open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0600);
  if (file < 0 || posix_fallocate(file, 0, kVersionBytes) != 0 || fsync(file) != 0) {
    Die("cannot make " + path);
  }
  const Bytes bytes(kVersionBytes, std::byte{7});
  Bytes copy(kVersionBytes);
  std::vector<double> disk, copied, fresh, sha, xxh;
  std::uint64_t used = 0;
  for (int i = 0; i < kTimes; ++i) {
    disk.push_back(MillisecondsOf([&] {
      if (pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()) ||
          fdatasync(file) != 0) {
        Die("cannot write " + path);
      }
    }));
    copied.push_back(MillisecondsOf([&] { std::memcpy(copy.data(), bytes.data(), bytes.size()); }));
    fresh.push_back(MillisecondsOf([&] { used += Bytes(bytes).size(); }));
    sha.push_back(MillisecondsOf([&] { used += static_cast<std::uint8_t>(Sha256Of(bytes)[0]); }));
    xxh.push_back(MillisecondsOf([&] { used += static_cast<std::uint8_t>(Xxh128Of(bytes)[0]); }));
    used += static_cast<std::uint8_t>(copy[static_cast<std::size_t>(i)]);
  }
  close(file);
  if (used == 0) Die("the compiler took the work away");
  Print("machine: 8 MB write, fdatasync", disk);
  Print("machine: 8 MB copied", copied);
  Print("machine: 8 MB copied to new memory", fresh);
  Print("machine: 8 MB SHA-256, one thread", sha);
  Print("machine: 8 MB XXH3-128, one thread", xxh);
}

void Run(const std::string& parent, std::uint64_t rounds) {
  const std::string directory = parent + "/commit_bench." + std::to_string(getpid());
  std::filesystem::create_directories(directory);
  std::printf("%-46s %6s %10s %10s\n", "milliseconds", "times", "median", "99 %");
  MeasureMachine(directory + "/plain");
  for (const bool straggler : {true, false}) {
    const std::string state_dir = directory + (straggler ? "/straggler" : "/together");
    std::filesystem::create_directories(state_dir);
    MeasureRounds(state_dir, rounds, straggler);
    std::filesystem::remove_all(state_dir);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace muster

int main(int count, char** arguments) {
  const std::uint64_t rounds = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 100;
  if (rounds < 10) {
    std::fprintf(stderr, "commit_bench [DIRECTORY] [ROUNDS], 10 rounds or more\n");
    return 2;
  }
  muster::Run(count > 1 ? arguments[1] : ".", rounds);
}
