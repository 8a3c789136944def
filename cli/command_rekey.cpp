// muster checkpoints rekey: another key for an encrypted state.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checkpoint/rekey.h"
#include "checkpoint/state_key.h"
#include "cli/commands.h"
#include "common/exit_codes.h"

namespace muster::cli {
namespace {

Result<std::uint32_t> Rekey(const Arguments& arguments) {
  const Result<StateKey> old_key = FindStateKey(arguments.key_file);
  MUSTER_TRY(old_key);
  const Result<StateKey> new_key = StateKey::FromFile(arguments.new_key_file);
  MUSTER_TRY(new_key);
  return RekeyState(arguments.state_dir, *old_key, *new_key);
}

}  // namespace

int RunCheckpointsRekey(const Arguments& arguments) {
  const Result<std::uint32_t> fresh = Rekey(arguments);
  if (!fresh) return Fail(fresh.error(), arguments.format);
  const nlohmann::ordered_json object = {
      {"event", "rekeyed"}, {"state_dir", arguments.state_dir}, {"data_key", *fresh}};
  Print(arguments.format == Format::json
            ? object.dump() + "\n"
            : fmt::format("{} opens with the key in {} alone from now on; what is written now is "
                          "sealed under data key {}\nwhat was written before stays under the "
                          "older ones: who has the old key and an older copy of {}/keys can read "
                          "that\n",
                          arguments.state_dir, arguments.new_key_file, *fresh,
                          arguments.state_dir));
  return static_cast<int>(ExitCode::ok);
}

}  // namespace muster::cli
