// What a participant trains with and the coordinator evaluates with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"
#include "model/job.h"
#include "model/local_training.h"
#include "model/parameter_set.h"

namespace muster {

/// One piece of local work. All its randomness is keyed by (job seed, round, slot, task), never by
/// who does it or when.
struct FitTask {
  Round round = 0;
  Slot slot = 0;
  Task task = 0;
  bool operator==(const FitTask&) const = default;
};

struct FitPosition {
  std::uint32_t epoch = 0;         ///< Finished epochs.
  std::uint64_t batch = 0;         ///< Finished batches inside the current epoch.
  std::uint64_t batches_done = 0;  ///< Over all epochs.
  std::uint64_t batches_total = 0;
};

struct FitResult {
  bool cancelled = false;      ///< True: `delta` is unusable; Save() holds the position.
  std::uint64_t examples = 0;  ///< Distinct local examples: the weight under `examples`.
  /// The client-side state (KeepsClientState) after this fit; empty if the job keeps none.
  Bytes client;
  std::uint64_t steps = 0;  ///< That the local optimizer took over the whole fit, 1 or more.
};

struct Evaluation {
  std::uint64_t examples = 0;
  double loss = 0;      ///< Mean cross-entropy in nats.
  double accuracy = 0;  ///< Fraction in [0, 1].
};

/// Whether `layout` begins with all tensors of `model`.
bool BeginsWith(const ParameterLayout& layout, const ParameterLayout& model);

/// Trains on one part of the data. Not thread-safe; one object per participant. A fit runs in one
/// thread.
class Trainer {
 public:
  virtual ~Trainer() = default;

  /// The model's tensors.
  virtual const ParameterLayout& layout() const = 0;
  /// The model of version 0: a pure function of the job. No libm.
  virtual ParameterSet InitialParameters() const = 0;
  /// True if equal tasks on equal bases give equal bits on this build, CPU kind and thread count.
  virtual bool deterministic() const = 0;

  /// Trains from `base`, whose first tensors are the model's, as `ask` says and writes trained -
  /// base to the first tensors of `delta`, again the model's, and zeros behind them and between.
  /// Goes on from a kept or loaded position if there is one for this very task, and forgets it.
  /// Calls `on_batch` after each batch, in this thread. Stops at the next batch boundary once
  /// `stop` is requested. `client` is the client-side state that the slot's last update that counts
  /// left behind, or empty: a fresh one. REQUIRES: one ask a task, whatever is saved and loaded
  /// between. Errors: file_malformed (`client` is not of this job's trainer), others by data.
  virtual Result<FitResult> Fit(const FitTask& task, const LocalTraining& ask,
                                const ParameterSet& base, ByteSpan client, ParameterSet& delta,
                                std::stop_token stop,
                                const std::function<void(const FitPosition&)>& on_batch) = 0;

  /// The position of the last cancelled fit as bytes that Load takes; empty if there is none.
  virtual Bytes Save() const = 0;
  /// `ask`: that of the position's task. Errors: file_malformed. The bytes come from a disk and are
  /// not trusted.
  virtual Status Load(ByteSpan position, const LocalTraining& ask) = 0;

  /// Evaluates on the held-out examples. `cancelled` if stop is requested.
  virtual Result<Evaluation> Evaluate(const ParameterSet& model, std::stop_token stop) = 0;
};

/// What a process knows of its own about the data.
struct DataOptions {
  std::string dir;  ///< idx: the folder of the four files; never from a peer.
};

/// The trainer of `part` for the job; examples are loaded or drawn when first needed, and only
/// those that are needed. Errors: file_unreadable, file_malformed, config_invalid.
Result<std::unique_ptr<Trainer>> CreateTrainer(const JobSpec& job, std::uint32_t part,
                                               const DataOptions& options);

}  // namespace muster
