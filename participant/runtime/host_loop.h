// RunParticipants over any transport.
#pragma once

#include <vector>

#include "common/error.h"
#include "participant/runtime/host.h"
#include "transport/transport.h"

namespace muster::participant {

/// As RunParticipants; `transport` has the participants' identities in their order.
Result<std::vector<RunOutcome>> RunHost(const HostOptions& options, ClientTransport& transport,
                                        int signal_fd);

}  // namespace muster::participant
