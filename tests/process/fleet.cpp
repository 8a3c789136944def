#include "tests/process/fleet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/cli/append_to.h"

namespace muster::process {

using cli::Program;

Fleet::Fleet(const std::string& job) { cli::AppendTo(directory_ / "job.toml", job); }

Fleet::Process Fleet::StartCoordinator(const std::vector<std::string>& sets,
                                       const std::function<void()>& in_child) const {
  std::vector<std::string> arguments = {
      "coordinator", directory_ / "job.toml", "--state-dir", CoordinatorDir(), "--format", "json"};
  for (const std::string& set : sets) {
    arguments.push_back("--set");
    arguments.push_back(set);
  }
  return std::make_unique<Program>(arguments, in_child);
}

Fleet::Process Fleet::StartParticipant(const std::string& name,
                                       const std::function<void()>& in_child) const {
  return std::make_unique<Program>(
      std::vector<std::string>{"participant", "--name", name, "--state-dir", DirOf(name),
                               "--endpoints", CoordinatorDir() + "/endpoints.json"},
      in_child);
}

void Fleet::MustRun(const std::vector<std::string>& arguments) const {
  Program program(arguments);
  ASSERT_EQ(program.Wait(), 0) << program.output() << program.errors();
}

std::vector<Fleet::Process> Fleet::StartParticipants(const std::vector<std::string>& names) const {
  std::vector<Process> participants;
  for (const std::string& name : names) participants.push_back(StartParticipant(name));
  return participants;
}

void Fleet::MakeKey(const std::string& name) const {
  MustRun({"keygen", "--state-dir", DirOf(name)});
}

void Fleet::Enroll(const std::string& name) const {
  MustRun({"enroll", "add", name, "--key", DirOf(name) + "/participant.pub", "--state-dir",
           CoordinatorDir()});
}

void Fleet::Revoke(const std::string& name) const {
  MustRun({"enroll", "remove", name, "--state-dir", CoordinatorDir()});
}

void Fleet::EnrollNew(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    MakeKey(name);
    Enroll(name);
  }
}

Json Fleet::Status() const {
  Program program({"status", "--state-dir", CoordinatorDir(), "--format", "json"});
  if (program.Wait() != 0 || program.events().empty()) return nullptr;
  return program.events().back();
}

Json Fleet::AwaitStatus(const std::function<bool(const Json&)>& wanted) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Json status;
  while (std::chrono::steady_clock::now() < deadline) {
    status = Status();
    if (!status.is_null() && wanted(status)) return status;
  }
  ADD_FAILURE() << "the status never became what was awaited: " << status;
  return nullptr;
}

std::string Fleet::UndisturbedDigest(const std::string& job,
                                     const std::vector<std::string>& names) {
  const Fleet fleet(job);
  fleet.EnrollNew(names);
  const Process coordinator = fleet.StartCoordinator();
  const std::vector<Process> participants = fleet.StartParticipants(names);
  ExpectExit(*coordinator, 0);
  for (const Process& participant : participants) ExpectExit(*participant, 0);
  return LastEvent(fleet.Events(), "finished").value("digest", "");
}

void ExpectExit(Program& process, int code) {
  constexpr std::size_t kShownMax = 2'000;
  const int ended = process.Wait();
  const std::string words = process.output() + process.errors();
  EXPECT_EQ(ended, code) << words.substr(words.size() - std::min(words.size(), kShownMax));
}

}  // namespace muster::process
