#include "coordinator/runtime/run_counts.h"

#include <string_view>

namespace muster::coordinator {
namespace {

constexpr std::string_view kRefusedPrefix = "refused.";

}  // namespace

RunCounts CountsOf(const std::map<std::string, std::uint64_t>& core_counters,
                   const std::map<Reason, std::uint64_t>& uncounted) {
  RunCounts counts;
  for (const auto& [name, count] : core_counters) {
    if (name.starts_with(kRefusedPrefix)) {
      counts.refusals[name.substr(kRefusedPrefix.size())] += count;
    } else {
      counts.counters[name] = count;
    }
  }
  for (const auto& [reason, count] : uncounted) {
    counts.refusals[std::string(ReasonName(reason))] += count;
  }
  return counts;
}

}  // namespace muster::coordinator
