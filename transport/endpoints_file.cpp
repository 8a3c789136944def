#include "coordinator/runtime/endpoints_file.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "common/bytes.h"
#include "common/file.h"

namespace muster::coordinator {
namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t kFileBytesMax = 4096;
constexpr mode_t kMode = 0644;

std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Status WriteEndpoints(const std::string& path, const Endpoints& endpoints) {
  const json object = {{"control", endpoints.control},
                       {"bulk", endpoints.bulk},
                       {"server_key", endpoints.server_key.Z85()}};
  return WriteFileAtomically(
      path, AsBytes(object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"), kMode);
}

Result<std::optional<Endpoints>> ReadEndpoints(const std::string& path) {
  auto bytes = ReadFile(path, kFileBytesMax);
  if (!bytes && bytes.error().reason == Reason::not_found) return std::optional<Endpoints>();
  MUSTER_TRY(bytes);
  const json object = json::parse(AsText(*bytes), nullptr, /*allow_exceptions=*/false);
  Error malformed{Reason::file_malformed,
                  path + " names no endpoints; remove it to let the system choose new ports"};
  if (!object.is_object()) return malformed;
  Endpoints endpoints{TextOf(object, "control"), TextOf(object, "bulk"), {}};
  const auto key = PublicKey::FromZ85(TextOf(object, "server_key"));
  if (endpoints.control.empty() || endpoints.bulk.empty() || !key) return malformed;
  endpoints.server_key = *key;
  return std::optional(std::move(endpoints));
}

std::string KeepPort(const std::string& listen, const std::string& earlier) {
  constexpr std::string_view kAnyPort = ":0";
  if (!listen.ends_with(kAnyPort)) return listen;
  const std::size_t colon = earlier.rfind(':');
  if (colon == std::string::npos) return listen;
  return listen.substr(0, listen.size() - kAnyPort.size()) + earlier.substr(colon);
}

}  // namespace muster::coordinator
