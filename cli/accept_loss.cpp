#include "cli/accept_loss.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/store_wait.h"
#include "coordinator/runtime/accept_loss.h"

namespace muster::cli {

Status AcceptLossIfAsked(const Arguments& arguments, const std::string& state_dir,
                         const StateKey& key, const std::string& mirror) {
  if (!arguments.accept_loss) return {};
  const auto loss =
      AwaitStore([&] { return coordinator::AcceptStoredLoss(state_dir, key, mirror); });
  const bool none = !loss && loss.error().reason == Reason::not_found;
  if (!loss && !none) return loss.error();
  const std::string text =
      none ? "nothing is stored yet: --accept-loss did nothing" : coordinator::AcceptedText(*loss);
  // Standard output is the events', in either format; the log of events has it as one of them.
  fmt::print(stderr, "muster: {}\n", text);
  return {};
}

}  // namespace muster::cli
