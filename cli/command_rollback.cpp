// muster checkpoints rollback: an older version's content as a new version.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checkpoint/mirror_files.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "common/bytes.h"
#include "common/exit_codes.h"
#include "common/text.h"
#include "coordinator/runtime/accept_loss.h"
#include "coordinator/runtime/rollback.h"

namespace muster::cli {
namespace {

using coordinator::RolledBack;

Result<RolledBack> RollBackStored(const Arguments& arguments, const StateKey& key) {
  MUSTER_TRY(CheckIsNoMirror(arguments.state_dir));
  // Opening to write would make a state where there is none.
  MUSTER_TRY(OpenCheckpointStore(arguments.state_dir, OpenMode::read_only, key));
  const auto store = OpenCheckpointStore(arguments.state_dir, OpenMode::create_or_open, key);
  if (!store && store.error().reason == Reason::state_in_use) {
    return Error{Reason::state_in_use,
                 store.error().message + "; stop it first: the same command starts it again"};
  }
  MUSTER_TRY(store);
  const auto spool = OpenSpool(arguments.state_dir, key);
  MUSTER_TRY(spool);
  return coordinator::RollBack(**store, **spool, *arguments.version);
}

std::string AsText(const RolledBack& done) {
  const RoundRecord& record = done.record;
  std::string text =
      fmt::format("version {} is the newest now and has the content of version {} (digest {})\n",
                  record.version, record.parent, Hex(record.digest));
  if (done.head_stored) {
    text += fmt::format("version {} was committed but not stored; it is stored now\n",
                        record.version - 1);
  }
  if (done.dropped_updates > 0) {
    text += fmt::format("the open round ended: {} accepted for it will not count\n",
                        Counted(done.dropped_updates, "update"));
  }
  if (done.client_state_stays) {
    text +=
        "The participants keep the client-side state (moments, control variates) that they have: "
        "to begin afresh, remove client.bin in their directories\n";
  }
  for (const std::string& cost : done.costs) text += "note: " + cost + "\n";
  text += fmt::format(
      "versions {} to {} stay in the history; as long as they are held, the same command goes to "
      "them\n"
      "job.rounds counts version {} too: raise it to train on for as many rounds as you wish\n",
      record.parent + 1, record.version - 1, record.version);
  return text;
}

std::string AsJson(const RolledBack& done) {
  const nlohmann::ordered_json object = {{"event", "rolled_back"},
                                         {"version", done.record.version},
                                         {"source", done.record.parent},
                                         {"digest", Hex(done.record.digest)},
                                         {"dropped_updates", done.dropped_updates},
                                         {"head_stored", done.head_stored},
                                         {"client_state_stays", done.client_state_stays},
                                         {"costs", done.costs}};
  return object.dump() + "\n";
}

}  // namespace

int RunCheckpointsRollback(const Arguments& arguments) {
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  if (!key) return Fail(key.error(), arguments.format);
  const Result<RolledBack> done = RollBackStored(arguments, *key);
  if (!done) {
    return Fail(coordinator::ExplainDamage(done.error(), arguments.state_dir, *key),
                arguments.format);
  }
  Print(arguments.format == Format::json ? AsJson(*done) : AsText(*done));
  return static_cast<int>(ExitCode::ok);
}

}  // namespace muster::cli
