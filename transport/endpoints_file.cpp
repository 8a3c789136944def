#include "transport/endpoints_file.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/file.h"

namespace muster {
namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t kFileBytesMax = 64U << 10;
constexpr mode_t kMode = 0644;
constexpr std::uint64_t kFormat = 2;
constexpr std::size_t kAddressCount = 3;
constexpr std::size_t kMemberCount = kAddressCount + 2;  // Format and checksum.
constexpr std::string_view kBeforeChecksum = ",\"checksum\":\"";

std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string ChecksumOf(std::string_view text) { return Hex(Xxh128Of(AsBytes(text))); }

Error Malformed(const std::string& path, std::string_view what) {
  return Error{Reason::file_malformed, path + " " + std::string(what)};
}

/// Whether nothing is in the file but what its format has, as it was written.
Status CheckWhole(const json& object, std::string_view text, const std::string& path) {
  if (!object.contains("format") && object.size() == kAddressCount) return {};
  const auto format = object.find("format");
  const bool numbered = format != object.end() && format->is_number_unsigned();
  if (numbered && format->get<std::uint64_t>() > kFormat) {
    return Error{Reason::unsupported, path + " has format " + format->dump() +
                                          "; this build knows formats up to " +
                                          std::to_string(kFormat)};
  }
  const std::size_t end = text.rfind(kBeforeChecksum);
  const bool whole = numbered && format->get<std::uint64_t>() == kFormat &&
                     object.size() == kMemberCount && end != std::string_view::npos &&
                     TextOf(object, "checksum") == ChecksumOf(text.substr(0, end));
  if (whole) return {};
  return Malformed(path,
                   "is not as it was written: its checksum is that of other bytes (to name other "
                   "addresses write a file of control, bulk and server_key alone)");
}

}  // namespace

Status WriteEndpoints(const std::string& path, const ClientTransport::Target& target) {
  const json object = {{"format", kFormat},
                       {"control", target.control_endpoint},
                       {"bulk", target.bulk_endpoint},
                       {"server_key", target.server_key.Z85()}};
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();  // The brace, which comes behind the checksum.
  const std::string checksum = ChecksumOf(text);
  text.append(kBeforeChecksum).append(checksum).append("\"}\n");
  return WriteFileAtomically(path, AsBytes(text), kMode);
}

Result<ClientTransport::Target> ReadEndpoints(const std::string& path) {
  const auto bytes = ReadFile(path, kFileBytesMax);
  MUSTER_TRY(bytes);
  const json object = json::parse(AsText(*bytes), nullptr, /*allow_exceptions=*/false);
  const std::string expected = "is no endpoints file: control, bulk and server_key are expected";
  if (!object.is_object()) return Malformed(path, expected);
  MUSTER_TRY(CheckWhole(object, AsText(*bytes), path));
  ClientTransport::Target target{TextOf(object, "control"), TextOf(object, "bulk"), {}};
  const std::optional<PublicKey> key = PublicKey::FromZ85(TextOf(object, "server_key"));
  if (target.control_endpoint.empty() || target.bulk_endpoint.empty() || !key) {
    return Malformed(path, expected);
  }
  target.server_key = *key;
  return target;
}

std::string KeepPort(const std::string& listen, const std::string& earlier) {
  constexpr std::string_view kAnyPort = ":0";
  if (!listen.ends_with(kAnyPort)) return listen;
  const std::size_t colon = earlier.rfind(':');
  if (colon == std::string::npos) return listen;
  return listen.substr(0, listen.size() - kAnyPort.size()) + earlier.substr(colon);
}

}  // namespace muster
