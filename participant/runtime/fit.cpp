#include "participant/runtime/fit.h"

#include <functional>
#include <optional>
#include <utility>

#include "common/digest.h"
#include "common/file.h"
#include "participant/runtime/client_files.h"
#include "participant/runtime/journal.h"
#include "participant/runtime/position_file.h"

namespace muster::participant {
namespace {

/// The client-side state that a fit begins from.
struct ClientBase {
  Version version = 0;  ///< 0: a fresh one.
  Bytes bytes;
};

void Warn(FitOutcome& outcome, const std::string& text) {
  outcome.warning += (outcome.warning.empty() ? "" : "; ") + text;
}

ClientBase ReadClient(const Fit& fit, const StatePaths& paths, FitOutcome& outcome) {
  if (!fit.client) return {};
  Result<Bytes> bytes = ReadClientFile(paths.client, fit.client->held);
  if (bytes) return {fit.client->version, *std::move(bytes)};
  Warn(outcome, bytes.error().Text() + ": the fit begins from a fresh one");
  return {};
}

/// Hands the trainer the position saved for this very fit; returns the batches it holds.
Result<std::uint64_t> TakeUpPosition(const Fit& fit, Version client, Trainer& trainer,
                                     const std::string& path) {
  Result<std::optional<SavedPosition>> position = LoadPosition(path);
  if (!position) return position.error();
  if (!position->has_value()) return 0;
  if ((*position)->id != fit.id || (*position)->base_version != fit.base_version ||
      (*position)->client_version != client) {
    MUSTER_TRY(RemoveFile(path));
    return 0;
  }
  MUSTER_TRY(trainer.Load((*position)->trainer, fit.ask));
  return (*position)->batches_done;
}

Status SaveTrainer(const Fit& fit, Version client, const Trainer& trainer,
                   std::uint64_t batches_done, const std::string& path) {
  SavedPosition position{fit.id, fit.base_version, client, batches_done, trainer.Save()};
  if (position.trainer.empty()) return {};
  return SavePosition(path, position);
}

Result<FitOutcome> Train(Fit& fit, Trainer& trainer, const StatePaths& paths) {
  FitOutcome outcome;
  std::uint64_t batches_done = 0;
  const ClientBase client = ReadClient(fit, paths, outcome);
  // A position that cannot be used costs work, never the fit.
  if (Result<std::uint64_t> taken = TakeUpPosition(fit, client.version, trainer, paths.position)) {
    batches_done = *taken;
  } else {
    Warn(outcome, taken.error().Text() + "; the fit starts from its first batch");
  }
  Result<Journal> journal = Journal::Open(paths.journal, fit.id);
  if (!journal) return journal.error();
  MUSTER_TRY(journal->Write("start", batches_done));

  Status journaled;
  const Result<LaneSet> lanes = LanesOf(*fit.strategy, trainer.layout());
  if (!lanes) return lanes.error();
  auto update = std::make_shared<ParameterSet>(lanes->layout());
  const auto on_batch = [&](const FitPosition& position) {
    batches_done = position.batches_done;
    if (journaled) journaled = journal->Write("batch", batches_done);
    if (!journaled) fit.stop.request_stop();
  };
  const FitTask task{fit.id.round, fit.id.slot, fit.id.task};
  Result<FitResult> result =
      trainer.Fit(task, fit.ask, *fit.base, client.bytes, *update, fit.stop.get_token(), on_batch);
  if (!result) return result.error();
  MUSTER_TRY(journaled);
  if (result->cancelled) {
    if (fit.save_position) {
      MUSTER_TRY(SaveTrainer(fit, client.version, trainer, batches_done, paths.position));
    }
    MUSTER_TRY(journal->Write("stopped", batches_done));
    outcome.event = FitStopped{fit.id};
    return outcome;
  }
  MUSTER_TRY(journal->Write("done", batches_done));
  fit.strategy->CompleteUpdate({result->steps, *fit.base, client.bytes}, *update, result->client);
  if (!result->client.empty() && !fit.keeps_client_state) {
    return Error{Reason::unsupported,
                 "the strategy " + std::string(fit.strategy->name()) +
                     " made client-side state in CompleteUpdate, and this job keeps none"};
  }
  const ByteSpan bytes = std::as_const(*update).bytes();
  RetainedUpdate trained{
      fit.id, Xxh128Of(bytes), bytes.size(), result->examples, fit.base_version, client.version,
      {}};
  if (!result->client.empty()) {
    trained.client_next = ClientBytes{Xxh128Of(result->client), result->client.size()};
    MUSTER_TRY(WriteFileAtomically(paths.client_next, result->client, 0600));
  }
  if (fit.keep_on_disk) MUSTER_TRY(WriteFileAtomically(paths.update, bytes, 0600));
  outcome.event = FitDone{std::move(trained)};
  outcome.update = std::move(update);
  return outcome;
}

}  // namespace

StatePaths::StatePaths(const std::string& state_dir)
    : dir(state_dir),
      state(dir + "/state.bin"),
      update(dir + "/update.bin"),
      client(dir + "/client.bin"),
      client_next(dir + "/client.next"),
      position(dir + "/position.bin"),
      journal(dir + "/journal.jsonl"),
      lock(dir + "/lock"),
      key(dir + "/participant.key") {}

FitOutcome RunFit(Fit& fit, Trainer& trainer, const StatePaths& paths) {
  Result<FitOutcome> outcome = Train(fit, trainer, paths);
  if (outcome) return *std::move(outcome);
  return FitOutcome{FitFailed{fit.id, outcome.error()}, nullptr, {}};
}

}  // namespace muster::participant
