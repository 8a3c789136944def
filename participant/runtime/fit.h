// One fit from StartFit to the event that ends it, in a training thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "aggregation/strategy.h"
#include "common/error.h"
#include "participant/core/events.h"
#include "training/trainer.h"

namespace muster::participant {

/// The files of one participant's state directory.
struct StatePaths {
  explicit StatePaths(const std::string& state_dir);
  std::string dir, state, update, client, client_next, position, journal, lock, key;
};

/// What the loop thread and the training thread share of a fit. Everything but the atomics is set
/// before the fit is queued.
struct Fit {
  UpdateId id;
  Version base_version = 0;
  LocalTraining ask;
  bool keep_on_disk = true;
  bool keeps_client_state = false;           ///< Whether the job does: else there must be none.
  std::shared_ptr<const Strategy> strategy;  ///< The job's.
  std::optional<ClientState> client;
  std::shared_ptr<const ParameterSet> base;
  std::stop_source stop;
  std::atomic<bool> save_position = false;  ///< Set before stop is requested.
  /// Who turns it true first decides: the training thread that begins the fit, or the loop thread
  /// that takes it out of the queue.
  std::atomic<bool> claimed = false;
};

struct FitOutcome {
  Event event;                                 ///< FitDone, FitStopped or FitFailed.
  std::shared_ptr<const ParameterSet> update;  ///< With FitDone.
  std::string warning;                         ///< For the log; empty if there is none.
};

/// Trains, with the duties 2 to 5 of participant/core/effects.h: the saved position is taken up,
/// every batch is in the journal before the next one starts, an update to be kept on disk is there
/// before FitDone.
FitOutcome RunFit(Fit& fit, Trainer& trainer, const StatePaths& paths);

}  // namespace muster::participant
