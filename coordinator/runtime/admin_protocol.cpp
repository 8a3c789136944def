#include "coordinator/runtime/admin_protocol.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/limits.h"
#include "common/names.h"

namespace muster::coordinator {
namespace {

using json = nlohmann::ordered_json;

/// Peers' and operators' text may be no UTF-8: it is replaced, never a reason to fail.
std::string Dump(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Error Malformed(std::string text) {
  return Error{Reason::malformed_message, "the admin request " + std::move(text)};
}

Result<std::string> TextField(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    return Malformed("needs the text field \"" + std::string(key) + "\"");
  }
  return found->get<std::string>();
}

Result<InboxItem> ParseEnrolment(const json& object, bool add, AdminTicket ticket) {
  auto name = TextField(object, "name");
  MUSTER_TRY(name);
  if (!IsName(*name)) {
    return Malformed("has a \"name\" that is no name, which has " + std::string(kNameRule));
  }
  if (!add) return InboxItem(Event(RevokeRequested{ticket, *std::move(name)}));
  auto text = TextField(object, "key");
  MUSTER_TRY(text);
  const std::optional<PublicKey> key = PublicKey::FromZ85(*text);
  if (!key) return Malformed("has a \"key\" that is not 40 characters of Z85");
  return InboxItem(Event(EnrollRequested{ticket, *std::move(name), *key}));
}

}  // namespace

Result<InboxItem> ParseAdminRequest(std::string_view line, AdminTicket ticket) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return Malformed("is not JSON");
  if (!object.is_object()) return Malformed("is not a JSON object");
  auto command = TextField(object, "command");
  MUSTER_TRY(command);
  if (*command == "status") return InboxItem(AskStatus{ticket});
  if (*command == "enroll_ls") return InboxItem(AskRoster{ticket});
  if (*command == "enroll_add") return ParseEnrolment(object, true, ticket);
  if (*command == "enroll_remove") return ParseEnrolment(object, false, ticket);
  if (*command == "drain") return InboxItem(Event(DrainRequested{}));
  return Malformed("has the unknown command \"" + command->substr(0, limits::kNameBytesMax) + "\"");
}

std::string AdminOk() { return Dump({{"ok", true}}); }

std::string AdminOk(RosterIndex index) { return Dump({{"ok", true}, {"index", index}}); }

std::string AdminRoster(const std::vector<RosterEntry>& roster) {
  json entries = json::array();
  for (const RosterEntry& entry : roster) {
    entries.push_back({{"index", entry.index},
                       {"name", entry.name},
                       {"key", entry.key.Z85()},
                       {"revoked", entry.revoked}});
  }
  return Dump({{"ok", true}, {"roster", std::move(entries)}});
}

std::string AdminRefusal(const Error& error) {
  return Dump({{"ok", false}, {"reason", ReasonName(error.reason)}, {"message", error.message}});
}

}  // namespace muster::coordinator
