// What `muster simulate` prints of a run, a swarm and a story.
#pragma once

#include <string>

#include "cli/output.h"
#include "simulator/swarm/seed_run.h"
#include "simulator/swarm/seed_runner.h"

namespace muster::cli {

/// One line for a terminal: how far a swarm is.
std::string SwarmProgressLine(const simulator::SwarmTotals& totals, std::uint64_t seeds);

/// Lines, each with a newline. `fixing` are the words of the command line that fix options, for the
/// commands that they name: " --store rocksdb", or empty.
std::string SwarmText(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report,
                      const std::string& fixing);
std::string SwarmJson(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report,
                      const std::string& fixing);

/// Of a run with listed faults also how many they are: some may not have happened.
std::string SeedText(const simulator::SeedRun& run, const simulator::SeedOutcome& outcome);
std::string SeedJson(const simulator::SeedRun& run, const simulator::SeedOutcome& outcome);

struct ShrunkSize {
  std::size_t faults_before = 0, faults = 0;
  std::uint64_t runs = 0;
  std::string path;  ///< Of the schedule that was written.
  bool stopped = false;
};
std::string ShrunkText(const ShrunkSize& size, Format format);

/// Who did what when, in one line.
std::string StoryText(const simulator::StoryLine& line);

}  // namespace muster::cli
