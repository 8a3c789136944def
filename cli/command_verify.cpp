// muster checkpoints verify: what is stored, checked against itself and against its definition.
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/store.h"
#include "checkpoint/verify.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "cli/version_progress.h"
#include "common/exit_codes.h"
#include "common/text.h"
#include "coordinator/runtime/accept_loss.h"
#include "coordinator/runtime/replay.h"
#include "model/job.h"

namespace muster::cli {
namespace {

struct Verdict {
  VerifiedState stored;
  std::optional<coordinator::Replayed> replayed;
  std::string not_replayed;  ///< Why not, if it was asked for.
};

/// Whether this machine has what the job trains with.
std::string WhyNoReplay(const JobSpec& job, const std::string& data_dir) {
  if (job.data.source == DataSource::idx && data_dir.empty()) {
    return "the job trains on files: name their folder with --data-dir";
  }
  return "";
}

Result<Verdict> Verify(const Arguments& arguments) {
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  MUSTER_TRY(key);
  auto store = OpenCheckpointStore(arguments.state_dir, OpenMode::read_only, *key);
  MUSTER_TRY(store);
  auto stored = VerifyStateDirectory(
      **store, arguments.state_dir, *key,
      [progress = VersionProgress("reading")](Version version) mutable { progress(version); });
  MUSTER_TRY(stored);
  Verdict verdict{std::move(*stored), std::nullopt, ""};
  if (!arguments.replay) return verdict;
  const RecoveredState& state = (*store)->recovered();
  if (!state.job) return Error{Reason::not_found, arguments.state_dir + " holds no job yet"};
  const Result<JobSpec> job = DecodeJob(state.job->job);
  MUSTER_TRY(job);
  verdict.not_replayed = WhyNoReplay(*job, arguments.data_dir);
  if (!verdict.not_replayed.empty()) return verdict;
  auto replayed = coordinator::ReplayVersions(
      **store, *job, {arguments.data_dir},
      [progress = VersionProgress("computing")](Version version) mutable { progress(version); });
  MUSTER_TRY(replayed);
  verdict.replayed = *replayed;
  return verdict;
}

std::string AsText(const Verdict& verdict) {
  const VerifiedState& stored = verdict.stored;
  std::string text = fmt::format(
      "records   {}, in a chain, with {}, each in one record\n"
      "versions  {} held, every chunk read ({})\n",
      stored.records, Counted(stored.updates, "update"), stored.held.size(),
      HumanBytes(stored.chunk_bytes));
  text += stored.in_use ? "spool     not read: a coordinator is at work on it\n"
                        : fmt::format("spool     {}\n",
                                      Counted(stored.spooled_updates, "accepted update") + " read");
  if (verdict.replayed) {
    text += fmt::format("replay    versions {} to {}: {} trained and folded again, same digests\n",
                        verdict.replayed->from, verdict.replayed->to,
                        Counted(verdict.replayed->updates, "update"));
  }
  if (!verdict.not_replayed.empty()) text += "replay    not done: " + verdict.not_replayed + "\n";
  return text + (verdict.not_replayed.empty() ? "all is as it was written\n" : "");
}

std::string AsJson(const Verdict& verdict) {
  const VerifiedState& stored = verdict.stored;
  nlohmann::ordered_json object = {{"event", "verified"},
                                   {"records", stored.records},
                                   {"updates", stored.updates},
                                   {"held", stored.held},
                                   {"bytes", stored.chunk_bytes},
                                   {"in_use", stored.in_use},
                                   {"spooled_updates", stored.spooled_updates}};
  if (verdict.replayed) {
    object["replayed"] = {{"from", verdict.replayed->from},
                          {"to", verdict.replayed->to},
                          {"updates", verdict.replayed->updates}};
  }
  if (!verdict.not_replayed.empty()) object["not_replayed"] = verdict.not_replayed;
  return object.dump() + "\n";
}

}  // namespace

int RunCheckpointsVerify(const Arguments& arguments) {
  const Result<Verdict> verdict = Verify(arguments);
  if (!verdict) {
    const StateKey key = FindStateKey(arguments.key_file).value_or(StateKey());
    return Fail(coordinator::ExplainDamage(verdict.error(), arguments.state_dir, key),
                arguments.format);
  }
  Print(arguments.format == Format::json ? AsJson(*verdict) : AsText(*verdict));
  return static_cast<int>(verdict->not_replayed.empty() ? ExitCode::ok : ExitCode::not_replayed);
}

}  // namespace muster::cli
