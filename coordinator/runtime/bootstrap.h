// The first moments of a coordinator: version 0 at the first start, the way back in at any later
// one. When it returns, this start's epoch is durable and the core may speak.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregation/strategy.h"
#include "checkpoint/spool.h"
#include "checkpoint/store.h"
#include "common/error.h"
#include "common/ids.h"
#include "coordinator/core/core.h"
#include "model/job.h"
#include "model/parameter_set.h"
#include "protocol/records.h"
#include "training/trainer.h"

namespace muster::coordinator {

/// Random numbers from outside: the bootstrap has no randomness of its own.
struct BootstrapNonces {
  std::uint64_t lineage = 0;  ///< Used at the first start only.
  std::uint64_t epoch = 0;
};

/// Where the weights of version 0 come from: the trainer, or a safetensors file.
struct InitialWeights {
  const Trainer& trainer;
  std::string file;  ///< Empty: the trainer's own. Looked at in the first start only.
};

struct Bootstrapped {
  RecoveredState state;         ///< With this start's epoch; job, head and lineage are present.
  ParameterSet head;            ///< Model and server state, verified.
  Xxh128Digest model_digest{};  ///< Of what is downloaded (DownloadLayout).
  Version oldest_base = 0;      ///< As HeadFacts has it, and the next one.
  std::vector<UnfinishedRound> unfinished;
  bool first_start = false;
};

/// A head that no chunks hold yet is computed again from its updates in the spool, and stored.
/// At the first start: the initial weights and a zero server state become version 0,
/// durable with job, lineage and epoch in one batch. Later: the job must be the stored one, and the
/// epoch is bumped and synced. A start that dies in between leaves a state that the next one takes
/// for what it was before.
/// Errors: config_changed (the text names every key that differs), damage, unsupported (this build
/// makes other tensors of the job), disk_full, those of ImportModel, of the trainer's model and of
/// the store.
Result<Bootstrapped> Bootstrap(CheckpointStore& store, Spool& spool, const JobSpec& job,
                               const BootstrapNonces& nonces, const InitialWeights& initial,
                               const Strategy& strategy);

/// Success if `job` is the stored one. Errors: config_changed (the text names every key that
/// differs), damage (the stored job cannot be read).
Status CheckStoredJob(const JobRecord& stored, const JobSpec& job);

/// "round.goal was 10 and is 8" for each key that differs, as the config file spells it.
std::vector<std::string> DescribeJobChanges(const JobSpec& stored, const JobSpec& wanted);

}  // namespace muster::coordinator
