// How long a federation stands still when its coordinator is killed: from SIGKILL to the first
// update that the next process of it accepts. Real processes under `muster run`, which starts the
// killed one again; ten participants of the synthetic trainer at 0 ms, 2 M parameters (8 MB).
//   recovery_bench MUSTER [DIRECTORY] [KILLS] [SEED]   (default: the current one, 100, 1)
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/random.h"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
/// A kill comes so long after a commit at most: somewhere in the round that follows.
constexpr std::uint64_t kKillWithinMs = 400;

constexpr const char* kJob = R"([job]
name = "recovery"
rounds = 1000000000
[model]
kind = "synthetic"
parameters = 2000000
[data]
source = "none"
parts = 10
[round]
goal = 10
)";

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "recovery_bench: %s\n", what.c_str());
  std::exit(1);
}

double MillisecondsBetween(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

/// The coordinator's log, line by line as it grows.
class Log {
 public:
  explicit Log(std::string path) : path_(std::move(path)) {}

  /// Reads on to a line with this message, " accepted ", and returns when it was seen.
  Clock::time_point Await(const std::string& message) {
    const auto deadline = Clock::now() + kPatience;
    while (Clock::now() < deadline) {
      if (!file_.is_open()) file_.open(path_);
      std::string piece;
      if (file_.is_open() && std::getline(file_, piece)) {
        line_ += piece;
        if (file_.eof()) continue;  // The rest of the line is not written yet.
        last_ = std::exchange(line_, "");
        if (last_.find(" pid=") != std::string::npos)
          pid_ = std::stoi(last_.substr(last_.find(" pid=") + 5));
        if (last_.find(message) != std::string::npos) return Clock::now();
        continue;
      }
      file_.clear();
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    Die("no line with \"" + message + "\" in " + path_);
  }
  /// Of the coordinator that last said that it started.
  pid_t pid() const { return pid_; }

 private:
  const std::string path_;
  std::ifstream file_;
  std::string line_, last_;
  pid_t pid_ = 0;
};

pid_t Spawn(const std::vector<std::string>& arguments, const std::string& output) {
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  if (posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environ) != 0) {
    Die("cannot start " + arguments.front());
  }
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void Print(const char* what, std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  std::printf("%-44s %6zu %10.0f %10.0f %10.0f\n", what, ms.size(), ms[ms.size() / 2],
              ms[ms.size() * 99 / 100], ms.back());
}

void Measure(const std::string& muster, const std::string& directory, std::uint64_t kills,
             std::uint64_t seed) {
  std::ofstream(directory + "/job.toml") << kJob;
  const pid_t run = Spawn({muster, "run", directory + "/job.toml", "--state-dir",
                           directory + "/state", "--format", "json"},
                          directory + "/output");
  Log log(directory + "/state/coordinator.log");
  KeyedStream random(seed, "recovery", {});
  std::vector<double> to_started, to_joined, to_accepted;
  log.Await(" committed ");
  for (std::uint64_t i = 0; i < kills; ++i) {
    log.Await(" committed ");
    std::this_thread::sleep_for(std::chrono::milliseconds(random.Below(kKillWithinMs)));
    const auto killed = Clock::now();
    if (kill(log.pid(), SIGKILL) != 0) Die("the coordinator is gone");
    to_started.push_back(MillisecondsBetween(killed, log.Await(" started ")));
    to_joined.push_back(MillisecondsBetween(killed, log.Await(" joined ")));
    to_accepted.push_back(MillisecondsBetween(killed, log.Await(" accepted ")));
  }
  kill(run, SIGTERM);
  waitpid(run, nullptr, 0);
  std::printf("%-44s %6s %10s %10s %10s\n", "milliseconds from SIGKILL", "kills", "median", "99 %",
              "largest");
  Print("to the next process that has recovered", to_started);
  Print("to the first participant that is back", to_joined);
  Print("to the next accepted update", to_accepted);
}

}  // namespace
}  // namespace muster

int main(int count, char** arguments) {
  const std::uint64_t kills = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 100;
  const std::uint64_t seed = count > 4 ? std::strtoull(arguments[4], nullptr, 10) : 1;
  if (count < 2 || kills == 0) {
    std::fprintf(stderr, "recovery_bench MUSTER [DIRECTORY] [KILLS] [SEED]\n");
    return 2;
  }
  const std::string directory =
      std::string(count > 2 ? arguments[2] : ".") + "/recovery_bench." + std::to_string(getpid());
  std::filesystem::create_directories(directory);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  muster::Measure(arguments[1], directory, kills, seed);
  std::filesystem::remove_all(directory);
}
