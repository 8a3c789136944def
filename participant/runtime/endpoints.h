// Where the coordinator listens, as its endpoints.json says.
#pragma once

#include <string>

#include "common/error.h"
#include "transport/transport.h"

namespace muster::participant {

/// Reads {"control":...,"bulk":...,"server_key":"<z85>"}. Errors: not_found (the coordinator has
/// not started yet), file_unreadable, file_malformed.
Result<ClientTransport::Target> ReadTarget(const std::string& path);

}  // namespace muster::participant
