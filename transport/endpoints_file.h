// endpoints.json: where the coordinator of a state directory listens, and under which key.
// docs/storage-format.md has its bytes.
#pragma once

#include <string>

#include "common/error.h"
#include "transport/transport.h"

namespace muster {

/// The file appears whole or not at all, with a checksum. Errors: io_failed, disk_full.
Status WriteEndpoints(const std::string& path, const ClientTransport::Target& target);

/// Reads what WriteEndpoints wrote, or a file of the three addresses alone, as a person or an
/// earlier build writes it. Errors: not_found (the coordinator has not started yet),
/// file_unreadable, file_malformed (changed since it was written, or no such file), unsupported (of
/// a newer build).
Result<ClientTransport::Target> ReadEndpoints(const std::string& path);

/// Where to bind: `listen`, with the port of `earlier` in the place of port 0, so that participants
/// find a coordinator again that was started anew. `earlier` may be empty.
std::string KeepPort(const std::string& listen, const std::string& earlier);

}  // namespace muster
