// A coordinator and participants as several hosts would run them: separate processes, started and
// stopped one by one, with nobody to start them again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/cli/program.h"
#include "tests/process/events.h"
#include "tests/support/temp_dir.h"

namespace muster::process {

class Fleet {
 public:
  using Process = std::unique_ptr<cli::Program>;

  /// `job`: the configuration file's text.
  explicit Fleet(const std::string& job);

  /// `sets`: KEY=VALUE, over the file. `in_child`: as Program's.
  Process StartCoordinator(
      const std::vector<std::string>& sets = {},
      const std::function<void()>& in_child = [] {}) const;
  Process StartParticipant(
      const std::string& name, const std::function<void()>& in_child = [] {}) const;
  std::vector<Process> StartParticipants(const std::vector<std::string>& names) const;

  void MakeKey(const std::string& name) const;
  /// Also while the coordinator runs.
  void Enroll(const std::string& name) const;
  void Revoke(const std::string& name) const;
  void EnrollNew(const std::vector<std::string>& names) const;

  Json Status() const;
  /// Asks until the status is as wanted; fails the test at the deadline.
  Json AwaitStatus(const std::function<bool(const Json&)>& wanted) const;

  std::string JobFile() const { return directory_ / "job.toml"; }
  std::string CoordinatorDir() const { return directory_ / "coordinator"; }
  std::string DirOf(const std::string& name) const { return directory_ / name; }
  std::string LogOf(const std::string& name) const { return DirOf(name) + "/participant.log"; }
  std::string CoordinatorLog() const { return CoordinatorDir() + "/coordinator.log"; }
  std::string JournalOf(const std::string& name) const { return DirOf(name) + "/journal.jsonl"; }
  std::vector<Json> Events() const { return ReadEvents(CoordinatorDir()); }
  /// The digest of a run that nobody disturbs, with keys of its own.
  static std::string UndisturbedDigest(const std::string& job,
                                       const std::vector<std::string>& names);

 private:
  void MustRun(const std::vector<std::string>& arguments) const;

  TempDir directory_;
};

/// Waits for the process to end and expects this exit code.
void ExpectExit(cli::Program& process, int code);

}  // namespace muster::process
