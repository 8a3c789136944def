#include "coordinator/runtime/bootstrap.h"

#include <algorithm>
#include <utility>

#include "aggregation/version.h"
#include "checkpoint/copy_version.h"
#include "checkpoint/export.h"
#include "common/digest.h"
#include "coordinator/runtime/stored_head.h"
#include "coordinator/runtime/version_thread.h"
#include "model/staleness.h"

namespace muster::coordinator {
namespace {

Xxh128Digest ModelDigest(const Strategy& strategy, const ParameterSet& contents,
                         const VersionManifest& manifest) {
  return Xxh128Of(contents.bytes().first(DownloadBytes(strategy, manifest.model_bytes)));
}

Result<ParameterSet> FirstModel(const InitialWeights& initial) {
  if (initial.file.empty()) return initial.trainer.InitialParameters();
  auto model = ImportModel(initial.file, initial.trainer.layout());
  if (model) return model;
  // Whatever is wrong with it: no start mends the file that the configuration names.
  return Error{Reason::config_invalid, "model.initial names " + initial.file +
                                           ", which cannot be used: " + model.error().message};
}

Result<Bootstrapped> StartFirst(CheckpointStore& store, const JobSpec& job,
                                const BootstrapNonces& nonces, const InitialWeights& initial,
                                const Strategy& strategy) {
  const Trainer& trainer = initial.trainer;
  auto model = FirstModel(initial);
  MUSTER_TRY(model);
  auto contents = InitialVersion(strategy, *model);
  MUSTER_TRY(contents);
  const auto model_tensors = static_cast<std::uint32_t>(trainer.layout().entries().size());
  auto manifest = DescribeVersion(*contents, model_tensors, 0);
  MUSTER_TRY(manifest);
  MUSTER_TRY(WriteVersion(store, 0, *contents));

  Bootstrapped start;
  start.first_start = true;
  start.state = store.recovered();  // The roster may be there: participants are enrolled first.
  start.state.job = JobRecord{EncodeJob(job), JobDigest(job), trainer.deterministic()};
  start.state.lineages = {LineageRecord{{1, nonces.lineage}, 0, 0}};
  start.state.epoch = {{1, nonces.epoch}, 1};
  RoundRecord record;
  record.lineage = 1;
  record.digest = manifest->digest;
  start.state.last_record = record;
  Batch batch;
  batch.mutations = {PutJob{*start.state.job}, PutLineage{start.state.lineages.front()},
                     PutVersion{*manifest}, PutRoundRecord{record}, PutEpoch{start.state.epoch}};
  MUSTER_TRY(store.Write(batch));
  start.model_digest = ModelDigest(strategy, *contents, *manifest);
  start.state.head = std::move(*manifest);
  start.head = std::move(*contents);
  return start;
}

Status CheckTensors(const VersionManifest& head, const Trainer& trainer, const Strategy& strategy) {
  std::vector<TensorSpec> expected = trainer.layout().Specs();
  auto server_state = StateLayout(strategy, trainer.layout());
  MUSTER_TRY(server_state);
  for (TensorSpec& spec : server_state->Specs()) expected.push_back(std::move(spec));
  if (head.tensors == expected && head.model_tensor_count == trainer.layout().entries().size()) {
    return {};
  }
  return Error{Reason::unsupported, "version " + std::to_string(head.version) +
                                        " has other tensors than this build makes of the job; go "
                                        "on with the build that made it"};
}

/// What updates of older bases may still reach, from the records: `oldest_base` and `unfinished`.
Status ReadReach(CheckpointStore& store, const JobSpec& job, Bootstrapped& start) {
  if (!TakesStale(job.round)) return {};
  const Version head = start.state.head->version;
  const std::uint32_t lineage = start.state.lineages.back().id.number;
  for (Version version = head; version > 0 && head - version < job.round.staleness_max; --version) {
    const auto record = store.ReadRoundRecord(version);
    MUSTER_TRY(record);
    if (IsCopy(*record)) {
      start.oldest_base = version;
      return {};
    }
    if (job.round.late != LatePolicy::fold || record->lineage != lineage) continue;
    start.unfinished.push_back({record->round, record->parent, record->unfinished});
  }
  return {};
}

Result<Bootstrapped> StartAgain(CheckpointStore& store, Spool& spool, const JobSpec& job,
                                const BootstrapNonces& nonces, const Trainer& trainer,
                                const Strategy& strategy) {
  Bootstrapped start;
  start.state = store.recovered();
  MUSTER_TRY(CheckStoredJob(*start.state.job, job));
  if (!start.state.head || !start.state.last_record || start.state.lineages.empty()) {
    return Error{Reason::damage, "the state directory holds a job but no version or no lineage"};
  }
  MUSTER_TRY(CheckTensors(*start.state.head, trainer, strategy));
  auto contents = LoadHead(store, spool, job, strategy);
  MUSTER_TRY(contents);
  EpochRecord& epoch = start.state.epoch;
  const Epoch past = epoch.epoch;
  epoch = {{past.number + 1, nonces.epoch}, epoch.starts + 1};
  Batch batch{{PutPastEpoch{past}, PutEpoch{epoch}}};
  start.state.past_epochs.push_back(past);
  if (!start.state.unstored.empty()) {
    batch.mutations.push_back(ClearAccepted{start.state.last_record->round});
    start.state.unstored.clear();
  }
  MUSTER_TRY(ReadReach(store, job, start));
  MUSTER_TRY(store.Write(batch));
  start.model_digest = ModelDigest(strategy, *contents, *start.state.head);
  start.head = std::move(*contents);
  return start;
}

}  // namespace

Status CheckStoredJob(const JobRecord& stored, const JobSpec& job) {
  if (stored.digest == JobDigest(job)) return {};
  const Result<JobSpec> before = DecodeJob(stored.job);
  if (!before) {
    return Error{before.error().reason,
                 "the job stored in the state directory cannot be read: " + before.error().message};
  }
  // Both as their bytes say: keys that the job's kinds do not use are no difference.
  const Result<JobSpec> now = DecodeJob(EncodeJob(job));
  MUSTER_TRY(now);
  std::string text = "the job is not the one this state directory was made for: ";
  std::string separator;
  for (const std::string& change : DescribeJobChanges(*before, *now)) {
    text += separator + change;
    separator = "; ";
  }
  return Error{Reason::config_changed, text + ". Change it back, or use a new state directory"};
}

Result<Bootstrapped> Bootstrap(CheckpointStore& store, Spool& spool, const JobSpec& job,
                               const BootstrapNonces& nonces, const InitialWeights& initial,
                               const Strategy& strategy) {
  if (store.recovered().job)
    return StartAgain(store, spool, job, nonces, initial.trainer, strategy);
  if (store.recovered().head) {
    return Error{Reason::damage, "the state directory holds versions but no job"};
  }
  return StartFirst(store, job, nonces, initial, strategy);
}

}  // namespace muster::coordinator
