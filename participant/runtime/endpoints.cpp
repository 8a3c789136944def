#include "participant/runtime/endpoints.h"

#include <nlohmann/json.hpp>

#include "common/file.h"

namespace muster::participant {
namespace {

constexpr std::uint64_t kFileBytesMax = 64U << 10;

/// The text under `name`, or nothing.
std::string TextOf(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<ClientTransport::Target> ReadTarget(const std::string& path) {
  Result<Bytes> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes) return bytes.error();
  const nlohmann::json object = nlohmann::json::parse(AsText(*bytes), nullptr, false);
  const Error malformed{Reason::file_malformed,
                        path + " is no endpoints file: control, bulk and server_key are expected"};
  if (!object.is_object()) return malformed;
  ClientTransport::Target target;
  target.control_endpoint = TextOf(object, "control");
  target.bulk_endpoint = TextOf(object, "bulk");
  const std::optional<PublicKey> key = PublicKey::FromZ85(TextOf(object, "server_key"));
  if (target.control_endpoint.empty() || target.bulk_endpoint.empty() || !key) return malformed;
  target.server_key = *key;
  return target;
}

}  // namespace muster::participant
