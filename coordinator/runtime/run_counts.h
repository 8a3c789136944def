// What a coordinator process counted, as its status and its last event show it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/error.h"
#include "coordinator/core/status.h"

namespace muster::coordinator {

/// Since the process began. Counters by their names, among them update_bytes_received and
/// model_bytes_sent: payloads alone, where the status's bytes_received and bytes_sent are all that
/// went over the sockets. Refusals by reason, those of handshakes included.
struct RunCounts {
  std::map<std::string, std::uint64_t> counters;
  std::map<std::string, std::uint64_t> refusals;
};

/// `core_counters`: StatusView::counters; `uncounted`: RosterGate::uncounted().
RunCounts CountsOf(const std::map<std::string, std::uint64_t>& core_counters,
                   const std::map<Reason, std::uint64_t>& uncounted);

}  // namespace muster::coordinator
