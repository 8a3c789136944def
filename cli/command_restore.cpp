// muster checkpoints restore: a state directory made of its mirror.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checkpoint/restore.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "cli/version_progress.h"
#include "common/exit_codes.h"
#include "common/random.h"
#include "common/text.h"

namespace muster::cli {
namespace {

/// Versions that were committed, as far as the mirror was told, and are not restored.
std::uint64_t BehindOf(const Restored& restored) { return restored.known - restored.newest; }

std::string DamageText(const Restored& restored) {
  std::string text;
  for (const auto& [version, what] : restored.damaged) {
    text += fmt::format("version {} is damaged in the mirror and left out: {}\n", version, what);
  }
  for (const std::string& what : restored.damage) {
    text += fmt::format("damaged in the mirror: {}\n", what);
  }
  return text;
}

std::string AsText(const Restored& restored, const Arguments& arguments) {
  const RoundRecord& copy = restored.copy;
  const std::uint64_t behind = BehindOf(restored);
  std::string text = DamageText(restored);
  text += fmt::format(
      "job {} is restored from {} to {}, with {} held whole\n"
      "it goes on as version {}, the first of lineage {}, with the content of version {}\n",
      restored.job, arguments.from, arguments.state_dir, Counted(restored.held, "version"),
      copy.version, copy.lineage, copy.parent);
  if (!restored.announced) {
    text += "how far the mirror was behind is not known: it was not told, or its note is damaged\n";
  }
  if (behind > 0) {
    text += fmt::format(
        "at least {} could not be restored: what was committed up to version {} is lost, with its "
        "updates\n",
        Counted(behind, "version"), restored.known);
  } else if (restored.announced) {
    text += "the mirror had every version that it was told of\n";
  }
  if (!restored.damaged.empty() && restored.damaged.rbegin()->first > restored.newest) {
    text += fmt::format(
        "{} names version {}, which this state has not, and is no mirror of it any more: name an "
        "empty directory in checkpoint.mirror\n",
        arguments.from, restored.damaged.rbegin()->first);
  }
  for (const std::string& cost : restored.costs) text += "note: " + cost + "\n";
  return text + fmt::format(
                    "participants drop what they did beyond version {} and follow; one that "
                    "followed a lineage that the mirror never heard of refuses (unknown_lineage) "
                    "and needs a fresh directory; job.rounds counts version {}, too\n",
                    copy.parent, copy.version);
}

std::string AsJson(const Restored& restored) {
  nlohmann::ordered_json object = {{"event", "restored"},
                                   {"job", restored.job},
                                   {"version", restored.copy.version},
                                   {"lineage", restored.copy.lineage},
                                   {"source", restored.copy.parent},
                                   {"held", restored.held},
                                   {"announced", nullptr},
                                   {"behind", nullptr},
                                   {"damaged", nlohmann::ordered_json::array()}};
  if (restored.announced) object["announced"] = *restored.announced;
  if (restored.announced || BehindOf(restored) > 0) object["behind"] = BehindOf(restored);
  for (const auto& [version, what] : restored.damaged) {
    object["damaged"].push_back({{"version", version}, {"message", what}});
  }
  object["damage"] = restored.damage;
  object["costs"] = restored.costs;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

int RunCheckpointsRestore(const Arguments& arguments) {
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  if (!key) return Fail(key.error(), arguments.format);
  const Result<Restored> restored = RestoreState(
      {arguments.from, arguments.state_dir, *key, SystemRandom()},
      [progress = VersionProgress("reading")](Version version) mutable { progress(version); });
  if (!restored) return Fail(restored.error(), arguments.format);
  Print(arguments.format == Format::json ? AsJson(*restored) : AsText(*restored, arguments));
  return static_cast<int>(ExitCode::ok);
}

}  // namespace muster::cli
