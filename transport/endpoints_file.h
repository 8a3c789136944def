// STATE/endpoints.json: where the coordinator of a state directory listens, and under which key.
#pragma once

#include <optional>
#include <string>

#include "common/error.h"
#include "common/ids.h"

namespace muster::coordinator {

struct Endpoints {
  std::string control;  ///< "tcp://127.0.0.1:41023"
  std::string bulk;
  PublicKey server_key;
};

/// {"control":...,"bulk":...,"server_key":"<z85>"}, whole or not at all. Errors: io_failed,
/// disk_full.
Status WriteEndpoints(const std::string& path, const Endpoints& endpoints);

/// Nothing if there is no such file. Errors: file_unreadable, file_malformed.
Result<std::optional<Endpoints>> ReadEndpoints(const std::string& path);

/// Where to bind: `listen`, with the port of `earlier` in the place of port 0, so that participants
/// find a coordinator again that was started anew. `earlier` may be empty.
std::string KeepPort(const std::string& listen, const std::string& earlier);

}  // namespace muster::coordinator
