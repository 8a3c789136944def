#include "participant/runtime/fit.h"

#include <functional>
#include <optional>
#include <utility>

#include "common/digest.h"
#include "common/file.h"
#include "participant/runtime/journal.h"
#include "participant/runtime/position_file.h"

namespace muster::participant {
namespace {

/// Hands the trainer the position saved for this very fit; returns the batches it holds.
Result<std::uint64_t> TakeUpPosition(const Fit& fit, Trainer& trainer, const std::string& path) {
  Result<std::optional<SavedPosition>> position = LoadPosition(path);
  if (!position) return position.error();
  if (!position->has_value()) return 0;
  if ((*position)->id != fit.id || (*position)->base_version != fit.base_version) {
    MUSTER_TRY(RemoveFile(path));
    return 0;
  }
  MUSTER_TRY(trainer.Load((*position)->trainer, fit.ask));
  return (*position)->batches_done;
}

Status SaveTrainer(const Fit& fit, const Trainer& trainer, std::uint64_t batches_done,
                   const std::string& path) {
  SavedPosition position{fit.id, fit.base_version, batches_done, trainer.Save()};
  if (position.trainer.empty()) return {};
  return SavePosition(path, position);
}

Result<FitOutcome> Train(Fit& fit, Trainer& trainer, const StatePaths& paths) {
  FitOutcome outcome;
  std::uint64_t batches_done = 0;
  // A position that cannot be used costs work, never the fit.
  if (Result<std::uint64_t> taken = TakeUpPosition(fit, trainer, paths.position)) {
    batches_done = *taken;
  } else {
    outcome.warning = taken.error().Text() + "; the fit starts from its first batch";
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
      trainer.Fit(task, fit.ask, *fit.base, *update, fit.stop.get_token(), on_batch);
  if (!result) return result.error();
  MUSTER_TRY(journaled);
  if (result->cancelled) {
    if (fit.save_position) MUSTER_TRY(SaveTrainer(fit, trainer, batches_done, paths.position));
    MUSTER_TRY(journal->Write("stopped", batches_done));
    outcome.event = FitStopped{fit.id};
    return outcome;
  }
  MUSTER_TRY(journal->Write("done", batches_done));
  Bytes client;
  fit.strategy->CompleteUpdate({result->steps, *fit.base, {}}, *update, client);
  const ByteSpan bytes = std::as_const(*update).bytes();
  if (fit.keep_on_disk) MUSTER_TRY(WriteFileAtomically(paths.update, bytes, 0600));
  outcome.event =
      FitDone{{fit.id, Xxh128Of(bytes), bytes.size(), result->examples, fit.base_version}};
  outcome.update = std::move(update);
  return outcome;
}

}  // namespace

StatePaths::StatePaths(const std::string& dir)
    : state(dir + "/state.bin"),
      update(dir + "/update.bin"),
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
