// The subcommands of `muster`. Each takes what the command line said, prints, and returns the exit
// code (exit_codes.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"

namespace muster::cli {

struct Arguments {
  Format format = Format::text;
  std::string state_dir;
  std::string config;             ///< Path of the TOML file.
  std::vector<std::string> sets;  ///< --set KEY=VALUE.
  std::string name;               ///< Of a participant, or the prefix of several.
  std::optional<std::uint32_t> count;
  std::uint32_t first = 0;  ///< Number of the first of several.
  std::string key;          ///< A public key: file or text.
  std::string endpoints;    ///< endpoints.json of the coordinator.
  std::string connect;
  std::string connect_bulk;
  std::string server_key;
  std::string data_dir;
  std::uint32_t threads = 1;
  std::optional<std::uint64_t> version;
  std::string output;
  std::string metrics;       ///< Path of an event log.
  std::string key_file;      ///< Of an encrypted state; empty: FindStateKey looks elsewhere.
  std::string from;          ///< `checkpoints restore`: the mirror.
  std::string new_key_file;  ///< `checkpoints rekey`: of the key that follows.
  std::uint32_t rows = 20;
  std::optional<std::uint64_t> seed;  ///< `simulate`: one run.
  std::string seeds;                  ///< `simulate`: "FIRST..LAST".
  std::string store;                  ///< `simulate`: what the state lies on.
  std::optional<std::uint32_t> jobs;  ///< `simulate`: threads.
  std::string schedule;               ///< `simulate`: the schedule file to replay.
  std::string dir;                    ///< `doctor`: where a state is to lie.
  bool matrix = false;                ///< `doctor`: the compatibility matrix.
  bool shrink = false;
  bool story = false;
  bool quiet = false;
  bool replay = false;
  bool accept_loss = false;
};

int RunRun(const Arguments& arguments);
int RunCoordinatorCommand(const Arguments& arguments);
int RunParticipantCommand(const Arguments& arguments);
int RunKeygen(const Arguments& arguments);
int RunEnrollAdd(const Arguments& arguments);
int RunEnrollRemove(const Arguments& arguments);
int RunEnrollLs(const Arguments& arguments);
int RunStatus(const Arguments& arguments);
int RunCheckpointsLs(const Arguments& arguments);
int RunCheckpointsShow(const Arguments& arguments);
int RunCheckpointsExport(const Arguments& arguments);
int RunCheckpointsVerify(const Arguments& arguments);
int RunCheckpointsRekey(const Arguments& arguments);
int RunCheckpointsRollback(const Arguments& arguments);
int RunCheckpointsRestore(const Arguments& arguments);
int RunData(const Arguments& arguments);
int RunConfig(const Arguments& arguments);
int RunSimulate(const Arguments& arguments);
int RunPlot(const Arguments& arguments);
int RunDoctor(const Arguments& arguments);
int RunVersion(const Arguments& arguments);

/// What `muster version` and `muster --version` print.
std::string VersionText();

}  // namespace muster::cli
