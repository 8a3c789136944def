// What a round asks of each of its slots, in the terms of local training: between a strategy, which
// asks, and a trainer, which does it.
#pragma once

#include "model/job.h"

namespace muster {

struct LocalTraining {
  TrainSpec train;
  /// FedProx (Li 2020, "Federated Optimization in Heterogeneous Networks", algorithm 2): the local
  /// objective has proximal_mu / 2 * |w - base|^2 on top, so the gradient of a step has
  /// proximal_mu * (w - base). 0: none of it.
  double proximal_mu = 0;
  /// SCAFFOLD (Karimireddy 2020, algorithm 1): behind the model the base has the server's control
  /// variate c, a tensor for each of the model's; the client-side state is the slot's own c_i, the
  /// bytes of the model's tensors (none: zero). Each step of SGD takes gradient - c_i + c.
  bool control_variates = false;
  /// Mode sync-sgd: no training but one gradient at the base. The update is the mean gradient over
  /// the slot's micro-batch of the round (training/micro_batch.h; of elastic data the slot's block)
  /// with its sign turned, its weight the micro-batch's examples; of `train` only batch_size is
  /// looked at, and with elastic data nothing.
  bool gradient = false;
};

/// What the job's mode and `train` section ask: where every strategy begins.
inline LocalTraining LocalTrainingOf(const JobSpec& job) {
  return {.train = job.train, .gradient = job.round.mode == Mode::sync_sgd};
}

}  // namespace muster
