// `muster keygen` and `muster enroll add|remove|ls`: who may take part.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/mirror_files.h"
#include "checkpoint/store.h"
#include "cli/commands.h"
#include "cli/identity.h"
#include "cli/run_files.h"
#include "cli/stored.h"
#include "cli/text.h"
#include "common/exit_codes.h"
#include "common/file.h"
#include "common/limits.h"
#include "common/names.h"
#include "coordinator/core/roster_rules.h"
#include "coordinator/runtime/admin_client.h"

namespace muster::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kAnswerTime{10};

Status CheckName(const std::string& name) {
  if (IsName(name)) return {};
  return Error{Reason::flag_invalid, fmt::format("{} is no name, which has {}", name, kNameRule)};
}

/// A text of the answer; empty if it is none: another program may sit on the socket.
std::string TextOf(const Json& answer, const char* key) {
  const auto found = answer.find(key);
  return found != answer.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The refusal that the coordinator named, so that the exit code is the same as without it. A
/// reason of a newer coordinator, unknown here, stays readable in the text.
Error RefusalOf(const Json& answer) {
  const std::string name = TextOf(answer, "reason");
  const std::string text = TextOf(answer, "message");
  if (const auto reason = ReasonFromName(name)) {
    return Error{*reason, "the coordinator refuses: " + text};
  }
  return Error{Reason::unexpected_message, "the coordinator refuses (" + name + "): " + text};
}

/// The coordinator's answer; nothing if none runs here. A refusal is an Error.
Result<std::optional<Json>> Ask(const std::string& state_dir, const Json& request) {
  const auto reply = AskCoordinator(state_dir, request.dump(), kAnswerTime);
  if (!reply) {
    if (reply.error().reason == Reason::not_found) return std::optional<Json>();
    return reply.error();
  }
  const Json answer = Json::parse(*reply, nullptr, false);
  if (!answer.is_object()) {
    return Error{Reason::malformed_message, "the coordinator's answer is no JSON object"};
  }
  if (answer.value("ok", Json()) == true) return std::optional(answer);
  return RefusalOf(answer);
}

/// Changes the roster of a state whose coordinator does not run. `change` returns the entry that
/// the roster is to have.
template <typename Change>
Result<RosterIndex> ChangeStored(const Arguments& arguments, Change change) {
  MUSTER_TRY(CheckIsNoMirror(arguments.state_dir));
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  if (!key) return key.error();
  MUSTER_TRY(MakeDirectories(arguments.state_dir, 0700));
  const auto store = OpenCheckpointStore(arguments.state_dir, OpenMode::create_or_open, *key);
  if (!store) return store.error();
  const std::vector<RosterEntry>& roster = (*store)->recovered().roster;
  const Result<RosterEntry> entry = change(roster);
  if (!entry) return entry.error();
  if (Holds(roster, *entry)) return entry->index;
  Batch batch;
  batch.mutations.emplace_back(PutRosterEntry{*entry});
  MUSTER_TRY((*store)->Write(batch));
  return entry->index;
}

/// What `enroll add` does to a name: for people, and as the field "change".
struct Change {
  std::string_view text;
  std::string_view word;
};

/// `before`: the name's entry until now, if it has one.
Change ChangeOf(const std::optional<RosterEntry>& before, const PublicKey& key) {
  if (!before) return {"enrolled", "enrolled"};
  const bool same_key = before->key == key;
  if (!before->revoked && same_key) return {"enrolled already:", "none"};
  if (!before->revoked) return {"key replaced:", "key_replaced"};
  if (same_key) return {"enrolled again:", "enrolled_again"};
  return {"enrolled again, key replaced:", "enrolled_again_key_replaced"};
}

struct Added {
  RosterIndex index = 0;
  Change change;
};

int Told(const Arguments& arguments, std::string_view what, const Json& object) {
  if (arguments.format == Format::json) {
    Print(object.dump() + "\n");
  } else {
    Print(fmt::format("{} {}, index {}\n", what, arguments.name,
                      object.value("index", RosterIndex{0})));
  }
  return static_cast<int>(ExitCode::ok);
}

/// The name's entry in a running coordinator's answer to enroll_ls.
std::optional<RosterEntry> EntryIn(const Json& answer, const std::string& name) {
  const auto roster = answer.find("roster");
  if (roster == answer.end() || !roster->is_array()) return std::nullopt;
  for (const Json& told : *roster) {
    if (!told.is_object() || TextOf(told, "name") != name) continue;
    RosterEntry entry;
    entry.name = name;
    entry.key = PublicKey::FromZ85(TextOf(told, "key")).value_or(PublicKey());
    entry.revoked = told.value("revoked", Json()) == true;
    return entry;
  }
  return std::nullopt;
}

Result<Added> Add(const Arguments& arguments) {
  MUSTER_TRY(CheckName(arguments.name));
  const Result<PublicKey> key = ReadPublicKey("--key", "the participant", arguments.key);
  if (!key) return key.error();
  const auto known = Ask(arguments.state_dir, {{"command", "enroll_ls"}});
  if (!known) return known.error();
  const auto answer =
      Ask(arguments.state_dir,
          {{"command", "enroll_add"}, {"name", arguments.name}, {"key", key->Z85()}});
  if (!answer) return answer.error();
  if (*answer) {
    const auto before = *known ? EntryIn(**known, arguments.name) : std::nullopt;
    return Added{(*answer)->value("index", RosterIndex{0}), ChangeOf(before, *key)};
  }
  Change change;
  const Result<RosterIndex> index =
      ChangeStored(arguments, [&](const std::vector<RosterEntry>& roster) {
        const auto found = std::ranges::find(roster, arguments.name, &RosterEntry::name);
        change = ChangeOf(found == roster.end() ? std::nullopt : std::optional(*found), *key);
        return coordinator::JudgeEnrolment(roster, arguments.name, *key);
      });
  if (!index) return index.error();
  return Added{*index, change};
}

Result<RosterIndex> Remove(const Arguments& arguments) {
  MUSTER_TRY(CheckName(arguments.name));
  const auto answer =
      Ask(arguments.state_dir, {{"command", "enroll_remove"}, {"name", arguments.name}});
  if (!answer) return answer.error();
  if (*answer) return (*answer)->value("index", RosterIndex{0});
  return ChangeStored(arguments, [&](const auto& roster) {
    return coordinator::JudgeRevocation(roster, arguments.name);
  });
}

Result<std::string> List(const Arguments& arguments) {
  const auto answer = Ask(arguments.state_dir, {{"command", "enroll_ls"}});
  if (!answer) return answer.error();
  if (!*answer) {
    const Result<StateKey> key = FindStateKey(arguments.key_file);
    if (!key) return key.error();
    return ListRoster(arguments.state_dir, arguments.format, *key);
  }
  Table table({"index", "name", "key", "state"}, {0});
  std::string lines;
  for (const Json& entry : (**answer)["roster"]) {
    lines += entry.dump() + "\n";
    table.Add({fmt::format("{}", entry.value("index", 0U)), entry.value("name", std::string()),
               entry.value("key", std::string()),
               entry.value("revoked", false) ? "revoked" : "enrolled"});
  }
  return arguments.format == Format::json ? lines : table.Text();
}

/// The names that keys are made for, all of them judged before the first key is made: with --count
/// they are folders. Without it there is one, and it may be empty.
Result<std::vector<std::string>> NamesToMake(const Arguments& arguments) {
  if (!arguments.name.empty()) MUSTER_TRY(CheckName(arguments.name));
  if (!arguments.count) return std::vector{arguments.name};
  if (arguments.name.empty()) {
    return Error{Reason::flag_invalid, "--count needs --name, the names' beginning"};
  }
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < *arguments.count; ++i) {
    names.push_back(ParticipantName(arguments.name, arguments.first + i));
    MUSTER_TRY(CheckName(names.back()));
  }
  return names;
}

Status MakeKey(const Arguments& arguments, const std::string& name, const std::string& dir) {
  MUSTER_TRY(MakeDirectories(dir, 0700));
  const Result<PublicKey> key = EnsureKey(dir);
  if (!key) return key.error();
  if (arguments.format == Format::json) {
    const Json object = {{"name", name}, {"key", key->Z85()}, {"dir", dir}};
    Print(object.dump() + "\n");
  } else {
    Print(fmt::format("{}  {}\n", key->Z85(), dir + "/participant.pub"));
  }
  return {};
}

}  // namespace

int RunKeygen(const Arguments& arguments) {
  const Result<std::vector<std::string>> names = NamesToMake(arguments);
  if (!names) return Fail(names.error(), arguments.format);
  for (const std::string& name : *names) {
    const std::string dir =
        arguments.count ? arguments.state_dir + "/" + name : arguments.state_dir;
    const Status made = MakeKey(arguments, name, dir);
    if (!made) return Fail(made.error(), arguments.format);
  }
  return static_cast<int>(ExitCode::ok);
}

int RunEnrollAdd(const Arguments& arguments) {
  const Result<Added> added = Add(arguments);
  if (!added) return Fail(added.error(), arguments.format);
  return Told(arguments, added->change.text,
              {{"ok", true},
               {"name", arguments.name},
               {"index", added->index},
               {"change", added->change.word}});
}

int RunEnrollRemove(const Arguments& arguments) {
  const Result<RosterIndex> index = Remove(arguments);
  if (!index) return Fail(index.error(), arguments.format);
  return Told(arguments, "revoked", {{"ok", true}, {"name", arguments.name}, {"index", *index}});
}

int RunEnrollLs(const Arguments& arguments) {
  const Result<std::string> list = List(arguments);
  if (!list) return Fail(list.error(), arguments.format);
  Print(*list);
  return static_cast<int>(ExitCode::ok);
}

}  // namespace muster::cli
