// What `muster simulate` prints of a run, a swarm and a story.
#pragma once

#include <string>

#include "cli/output.h"
#include "simulator/swarm/seed_run.h"
#include "simulator/swarm/seed_runner.h"

namespace muster::cli {

/// One line for a terminal: how far a swarm is.
std::string SwarmProgressLine(const simulator::SwarmTotals& totals, std::uint64_t seeds);

/// Lines, each with a newline.
std::string SwarmText(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report);
std::string SwarmJson(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report);

std::string SeedText(const simulator::SwarmOptions& options, const simulator::SeedOutcome& outcome);
std::string SeedJson(const simulator::SwarmOptions& options, const simulator::SeedOutcome& outcome);

struct ShrunkSize {
  std::size_t faults_before = 0, faults = 0;
  std::uint64_t runs = 0;
  std::string path;  ///< Of the schedule that was written.
};
std::string ShrunkText(const ShrunkSize& size, Format format);

/// Who did what when, a line each.
std::string StoryText(const simulator::SeedOutcome& outcome);

}  // namespace muster::cli
