// The built-in trainer: softmax regression and the multilayer perceptron by SGD or AdamW.
#pragma once

#include <cstdint>
#include <memory>

#include "common/error.h"
#include "training/kernels.h"
#include "training/trainer.h"

namespace muster {

/// One fit is train.epochs passes over the part in batches of train.batch_size (the last one of an
/// epoch may be smaller), or train.steps batches, which go on to the part's next epoch as often as
/// they must. The order of an epoch comes from the stream (seed, "shuffle", round, slot, task,
/// epoch). Each batch moves the model by the mean gradient of the cross-entropy over it, as
/// training/local_steps.h says; what an optimizer keeps is the client-side state. A fit goes on
/// from kept progress only if task, base and client-side state are the very same. REQUIRES:
/// ValidateJob passes, the model is softmax or mlp, IsSupported(set). Errors: as CreateTrainer.
Result<std::unique_ptr<Trainer>> CreateBuiltinTrainer(const JobSpec& job, std::uint32_t part,
                                                      const DataOptions& options,
                                                      InstructionSet set);

}  // namespace muster
