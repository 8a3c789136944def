// A trainer without data: deltas from the keyed stream after a stated time. For tests, benches and
// the simulator, where what counts is everything around the training.
#pragma once

#include <memory>

#include "common/error.h"
#include "training/trainer.h"

namespace muster {

/// The model is one tensor "parameters" [model.parameters]. A fit has kSyntheticBatches batches in
/// each epoch, and all of them share ask.duration_ms evenly. Its delta is drawn from the stream
/// (seed, "synthetic", round, slot, task, digest of the base), uniform in +-kSyntheticDeltaMax:
/// from other bytes it is another one. A proximal term divides it by 1 + mu, as it does where the
/// loss is half the squared distance to a target; control variates add steps * rate * (c_i - c).
/// The count of examples, 1 to 1000, and that of steps, 1 to 50, come from round, slot and task
/// alone. With AdamW it keeps client-side state,
/// 16 bytes, the digest of all that this slot's updates were drawn from; from whatever client-side
/// state there is the delta is drawn too. A stop ends the wait at once; the batch under way then
/// counts as not done. Loss is the mean square of the parameters, accuracy 1 / (1 + loss). A base
/// or model with NaN or infinity in it is refused: not_finite. REQUIRES: ValidateJob passes, the
/// model is synthetic. Errors: those of ParameterLayout::Create.
Result<std::unique_ptr<Trainer>> CreateSyntheticTrainer(const JobSpec& job, std::uint32_t part);

inline constexpr std::uint64_t kSyntheticBatches = 10;
inline constexpr float kSyntheticDeltaMax = 0x1p-6F;

}  // namespace muster
