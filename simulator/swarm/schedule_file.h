// A run as text: the options and every fault that happens, one line each. For replays by hand and
// for tests/simulator/regressions.
//
//   muster schedule 1
//   # comments and empty lines
//   option participants 5
//   fault lose 3 17 9021734          kind, actor, ordinal (from 0), value
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulator/swarm/swarm_options.h"

namespace muster::simulator {

/// Of the text, not of the program: a schedule replays on the sources that it was made with, and on
/// others as long as they ask for the same faults in the same order.
inline constexpr std::uint64_t kScheduleVersion = 1;

struct ScheduleFile {
  SwarmOptions options;
  std::vector<Fault> faults;
};

/// Options that have the value of a default-made SwarmOptions are left out. Chances draw nothing:
/// what is listed happens. Each line of `remarks` becomes a comment.
std::string WriteSchedule(const ScheduleFile& schedule, std::string_view remarks);

/// Strict: every line is one of the above, no option or occasion comes twice, CheckOptions passes.
/// Blanks at the end of a line, a carriage return among them, are nothing.
/// Options that are not named have their defaults. Errors: file_malformed, unsupported (another
/// version), config_invalid; each names `file` and the line.
Result<ScheduleFile> ParseSchedule(std::string_view text, const std::string& file);

}  // namespace muster::simulator
