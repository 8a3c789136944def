// The configuration of a federation: one TOML file, strict. config_keys.h lists every key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/setting.h"
#include "common/error.h"
#include "coordinator/core/core.h"
#include "model/job.h"
#include "training/trainer.h"

namespace muster::cli {

/// How `muster run` lays a federation out on one machine. Changes no bit of the result.
struct RunOptions {
  std::uint32_t participants = 0;     ///< How many to start; 0 in a file: data.parts.
  std::uint32_t per_process = 1;      ///< Participants hosted by one process.
  std::uint32_t threads = 1;          ///< Fits at a time in one process.
  std::string names = "participant";  ///< participant-00, participant-01, ...
};

struct Config {
  JobSpec job;
  coordinator::CoordinatorOptions core;
  std::string listen = "tcp://127.0.0.1:0";
  std::string bulk_listen = "tcp://127.0.0.1:0";
  std::uint32_t fold_threads = 1;
  std::string initial_model;  ///< ServerOptions::initial_model.
  std::string mirror;         ///< ServerOptions::mirror.
  std::string key_file;       ///< Of the state's key; empty: FindStateKey looks elsewhere.
  DataOptions data;
  RunOptions run;
};

/// Judges the settings, the later of two of one key winning, and fills in what follows from others
/// (round.quorum, run.participants). `file` stands in messages about no single setting.
/// Errors: config_invalid, as "FILE:LINE: unknown key `round.gaol`; did you mean `round.goal`?".
Result<Config> BuildConfig(const std::string& file, const std::vector<Setting>& settings);

/// Reads `path` and then the --set arguments. Errors: config_invalid (also if the
/// file cannot be read), flag_invalid.
Result<Config> LoadConfig(const std::string& path, const std::vector<std::string>& sets);

/// All keys as a TOML file that BuildConfig turns into `config` again.
std::string RenderConfig(const Config& config);

}  // namespace muster::cli
