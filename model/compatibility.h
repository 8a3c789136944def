// Which choices of a job go together. The one table: a job's validation refuses by it, and
// `muster doctor --matrix` prints it.
#pragma once

#include <string>
#include <string_view>

#include "model/job.h"

namespace muster {

/// One cell of the matrix.
struct Combination {
  Mode mode = Mode::fedavg;
  StrategyKind strategy = StrategyKind::fedavg;
  Accept accept = Accept::durable;  ///< REQUIRES: not by_mode.
  DataAccess access = DataAccess::parts;
  SelectFrom select_from = SelectFrom::enrolled;
};

Combination CombinationOf(const JobSpec& job);

/// Why a combination is refused: the key at fault and what is wrong with it there. Both are empty
/// if it is supported.
struct Refusal {
  std::string_view key;
  std::string_view text;
  bool any() const { return !key.empty(); }
};
Refusal WhyRefused(const Combination& combination);

/// Why the job cannot fold late updates (round.late): nothing if it can, or need not.
Refusal WhyLateRefused(const JobSpec& job);

}  // namespace muster
