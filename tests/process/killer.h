// Kills and stops processes of one run of real processes, at moments that the coordinator's log
// tells.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/cli/program.h"
#include "tests/support/line_follower.h"

namespace muster::process {

/// The value of key=value in a log line; "" without one.
std::string Field(const std::string& line, const std::string& key);
/// Whether the log line has this message.
bool Says(const std::string& line, const std::string& message);

/// MUSTER_KILL_SEED, or 1; printed, so that what failed can be run again.
std::uint64_t KillSeed();

/// `muster run` of this job on this state, with its events as JSON.
std::vector<std::string> RunArguments(const std::string& job_file, const std::string& state);

/// `muster checkpoints verify --replay` trains and folds all that the state's records name again.
void ExpectReplays(const std::string& state);

/// What was killed, and what the coordinator was at.
struct Kill {
  double seconds = 0;
  std::string process, phase, round;
};

/// Of one `muster run`; remembers what the coordinator's log says of it. Not thread-safe. Every
/// wait fails the test at its deadline.
class Killer {
 public:
  /// `state`: the run's state directory, which must exist.
  Killer(cli::Program& run, const std::string& state);

  const std::vector<Kill>& kills() const { return kills_; }
  std::map<std::string, int> CoordinatorKillsByPhase() const;

  /// Kills the coordinator the moment it says that it enters the phase. In which phase it died is
  /// read from the last lines it wrote.
  void KillCoordinatorIn(const std::string& phase);
  /// Kills the participant of this number, at once or when its next update is ready to be sent.
  void KillParticipant(std::size_t number, bool with_update);
  /// Kills until there were so many, each followed by progress: a third of them the coordinator in
  /// `report` or `commit`, else any of so many participants, half of them with their update ready.
  void KillAtRandom(KeyedStream& random, std::size_t kills, std::size_t participants);
  /// Stops the coordinator for so long that the participant of this number gives its link up.
  void StopCoordinator(std::size_t until_given_up_by);
  /// Stops the participant of this number for longer than its lease.
  void StopParticipant(std::size_t number);

  /// The supervisor forgives deaths that are followed by a new version.
  void AwaitProgress();
  void Print() const;

 private:
  Kill Now(const std::string& process) const;
  void Remember(const std::string& line);
  void ReadOn();
  void AwaitStarted();
  std::string LogOf(std::size_t number) const;
  /// The pid of the participant's process, another one than that killed last.
  pid_t AwaitParticipant(std::size_t number);

  cli::Program& run_;
  const std::string state_;
  testing::LineFollower log_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  pid_t pid_ = 0;
  std::string phase_, round_, phase_at_death_, round_at_death_;
  std::map<std::size_t, pid_t> killed_;
  std::vector<Kill> kills_;
};

}  // namespace muster::process
