// How a process that serves or trains came to its end, when nothing failed inside it.
#pragma once

#include <string>

#include "common/error.h"

namespace muster {

/// finished, draining (went down on request), left, superseded, attempts_exhausted, ...: cli turns
/// the reason into an exit code.
struct RunOutcome {
  Reason reason = Reason::finished;
  std::string text;  ///< More on the reason, for people; may be empty.
};

}  // namespace muster
