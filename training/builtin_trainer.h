// The built-in trainer: softmax regression and the multilayer perceptron by plain SGD.
#pragma once

#include <cstdint>
#include <memory>

#include "common/error.h"
#include "training/kernels.h"
#include "training/trainer.h"

namespace muster {

/// One fit is train.epochs passes over the part in batches of train.batch_size (the last one of an
/// epoch may be smaller). The order of an epoch comes from the stream
/// (seed, "shuffle", round, slot, task, epoch). Each batch moves the model by -learning_rate times
/// the mean gradient of the cross-entropy over it, plus proximal_mu * (w - base) of each value w
/// where that is not 0. A fit goes on from kept progress only if task
/// and base are the very same.
/// REQUIRES: ValidateJob passes, the model is softmax or mlp, IsSupported(set).
/// Errors: as CreateTrainer.
Result<std::unique_ptr<Trainer>> CreateBuiltinTrainer(const JobSpec& job, std::uint32_t part,
                                                      const DataOptions& options,
                                                      InstructionSet set);

}  // namespace muster
