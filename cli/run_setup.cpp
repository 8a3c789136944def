#include "cli/run_setup.h"

#include <algorithm>
#include <memory>

#include "checkpoint/mirror_start.h"
#include "checkpoint/store.h"
#include "cli/identity.h"
#include "cli/local_data.h"
#include "cli/run_room.h"
#include "cli/store_wait.h"
#include "cli/stored.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/limits.h"
#include "coordinator/runtime/bootstrap.h"
#include "model/safetensors_header.h"

namespace muster::cli {
namespace {

constexpr mode_t kDirectoryMode = 0700;  // Secret keys lie below.
constexpr std::uint64_t kEventLogBytesMax = 4ULL << 30;

bool ReachedTarget(const RecoveredState& state, double target) {
  return std::ranges::any_of(state.evaluations, [&](const EvaluationRecord& record) {
    return record.version == state.finish->version && record.accuracy >= target;
  });
}

bool IsFinished(const RecoveredState& state, const Config& config) {
  if (!state.finish || !state.job || state.job->digest != JobDigest(config.job)) return false;
  if (state.finish->version >= config.core.rounds) return true;
  return config.core.target_accuracy && ReachedTarget(state, *config.core.target_accuracy);
}

Status EnrolEverybody(const Config& config, const RunPaths& paths, CheckpointStore& store) {
  Batch batch;
  std::vector<RosterEntry> roster = store.recovered().roster;
  for (std::uint32_t i = 0; i < config.run.participants; ++i) {
    const std::string name = ParticipantName(config.run.names, i);
    const std::string dir = paths.Participant(name);
    MUSTER_TRY(MakeDirectories(dir, kDirectoryMode));
    const Result<PublicKey> key = EnsureKey(dir);
    if (!key) return key.error();
    const auto entry = Enrol(roster, name, *key);
    if (!entry) return entry.error();
    if (*entry) batch.mutations.emplace_back(PutRosterEntry{**entry});
  }
  return batch.mutations.empty() ? Status() : store.Write(batch);
}

/// Where rounds draw from the roster nobody whom an earlier run enrolled may be missing from this
/// one: they would be awaited. And of private data their parts are theirs: others get none.
Status CheckShape(const Config& config, const RunPaths& paths, const RecoveredState& state) {
  if (config.job.data.access == DataAccess::elastic) return {};
  const Result<Config> before = LoadConfig(paths.EffectiveConfig(), {});
  if (!before) return {};  // The first run here, or a file of another build: nothing to compare.
  const bool renamed = before->run.names != config.run.names;
  const bool awaited = config.job.round.select_from == SelectFrom::enrolled;
  if (!awaited && !renamed) return {};
  const std::uint32_t kept = renamed ? 0 : config.run.participants;
  for (std::uint32_t i = kept; i < before->run.participants; ++i) {
    const std::string name = ParticipantName(before->run.names, i);
    const auto entry = std::ranges::find(state.roster, name, &RosterEntry::name);
    if (entry == state.roster.end() || entry->revoked) continue;
    const std::string change =
        renamed ? "run.names was \"" + before->run.names + "\" and is \"" + config.run.names + "\""
                : "run.participants was " + std::to_string(before->run.participants) + " and is " +
                      std::to_string(config.run.participants);
    return Error{Reason::config_changed,
                 change + ": " + name + " is enrolled here and " +
                     (awaited ? "would be awaited in vain" : "has a part of the data") +
                     ". Change it back, use a new state directory, or first say muster enroll "
                     "remove " +
                     name + " --state-dir " + paths.state};
  }
  return {};
}

// Nothing if no such file can be read: then it is written anew.
std::optional<std::string> ExportedDigest(const std::string& path) {
  constexpr std::uint64_t kPrefixBytes = 8;
  const Result<InputFile> file = InputFile::Open(path);
  if (!file || file->size() < kPrefixBytes) return std::nullopt;
  Bytes prefix(kPrefixBytes);
  if (!file->ReadAt(0, prefix)) return std::nullopt;
  const auto length = LoadLittle<std::uint64_t>(prefix, 0);
  if (length > std::min<std::uint64_t>(file->size(), limits::kSafetensorsHeaderBytesMax)) {
    return std::nullopt;
  }
  Bytes text(length);
  if (!file->ReadAt(kPrefixBytes, text)) return std::nullopt;
  const auto header = DecodeSafetensorsHeader(AsText(text));
  if (!header || file->size() != kPrefixBytes + length + header->data_bytes) return std::nullopt;
  const auto digest = header->metadata.find("muster.digest");
  return digest == header->metadata.end() ? std::nullopt : std::optional(digest->second);
}

}  // namespace

Status PrepareRun(const Config& config, const RunPaths& paths, const StateKey& key) {
  MUSTER_TRY(CheckLocalData(config));
  if (!config.mirror.empty() && !HoldsAnyState(paths.state)) {
    MUSTER_TRY(CheckMirrorIsNew(config.mirror, paths.state));
  }
  MUSTER_TRY(MakeDirectories(paths.Participants(), kDirectoryMode));
  auto store =
      AwaitStore([&] { return OpenCheckpointStore(paths.state, OpenMode::create_or_open, key); });
  if (!store) return store.error();
  const RecoveredState& state = (*store)->recovered();
  if (state.job) MUSTER_TRY(coordinator::CheckStoredJob(*state.job, config.job));
  MUSTER_TRY(CheckShape(config, paths, state));
  MUSTER_TRY(CheckRunRoom(config, paths, (*store)->HeldVersions()));
  MUSTER_TRY(EnrolEverybody(config, paths, **store));
  return WriteFileAtomically(paths.EffectiveConfig(), AsBytes(RenderConfig(config)), 0644);
}

Result<std::optional<RunSummary>> FindFinished(const Config& config, const RunPaths& paths,
                                               const StateKey& key) {
  const auto store = OpenCheckpointStore(paths.state, OpenMode::read_only, key);
  if (!store) {
    if (store.error().reason == Reason::not_found) return std::optional<RunSummary>();
    return store.error();
  }
  if (!IsFinished((*store)->recovered(), config)) return std::optional<RunSummary>();
  const auto lines = ReadLines(paths.Events(), kEventLogBytesMax);
  if (!lines) return std::optional<RunSummary>();
  RunSummary summary = SummaryOf(*lines);
  if (!summary.end || summary.end->kind != EventKind::finished) return std::optional<RunSummary>();
  summary.rounds = config.core.rounds;
  summary.model_path = paths.Model();
  return std::optional(std::move(summary));
}

Status EnsureExported(const RunEvent& finished, const RunPaths& paths, const StateKey& key) {
  if (ExportedDigest(paths.Model()) == finished.digest) return {};
  const Result<Exported> exported = ExportStored(paths.state, finished.version, paths.Model(), key);
  return exported ? Status() : Status(exported.error());
}

}  // namespace muster::cli
