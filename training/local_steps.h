// How a fit moves its model, batch by batch: plain SGD with FedProx's pull or SCAFFOLD's control
// variates, or AdamW.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/bytes.h"
#include "common/error.h"
#include "model/local_training.h"
#include "model/parameter_set.h"
#include "training/examples.h"
#include "training/gradients.h"

namespace muster {

/// Lives as long as one fit. Not thread-safe.
class LocalSteps {
 public:
  virtual ~LocalSteps() = default;
  /// One step by the mean gradient over the batch, from where the parameters stand.
  virtual void Step(const ExampleSet& examples, std::span<const std::uint32_t> batch) = 0;
  /// All that the next step needs beside the parameters; empty if it needs nothing.
  virtual Bytes Moments() const { return {}; }
};

/// SGD: w := w - rate * (mean gradient at w) - (rate * mu) * (w - base) + rate * (c_i - c), the
/// last with control variates alone (model/local_training.h): c_i is `moments`.
///
/// AdamW: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, with
/// alpha = 1 and the schedule eta_t = learning_rate, as libraries have it:
///   t := t + 1;  m := b1 m + (1 - b1) g;  v := b2 v + (1 - b2) g^2
///   w := w - rate * ((m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon) + decay * w)
/// in float32, b1^t and b2^t in double precision. m, v and t go on from fit to fit.
///
/// `ask.train.optimizer` says which. `base` and `parameters` must outlive the steps; `moments` is
/// what Moments gave, or empty. REQUIRES: CheckMoments passes.
std::unique_ptr<LocalSteps> CreateLocalSteps(const StepKernels& kernels, const LocalTraining& ask,
                                             std::uint64_t batch_size, const ParameterSet& base,
                                             ByteSpan moments, ParameterSet& parameters);

/// How many bytes Moments gives: those of client-side state, too.
///   AdamW: magic "MADW" | format u16 = 1 | u16 zero | steps u64 | size u64 | m | v
/// with m and v as the parameters' bytes, little-endian. Control variates: c_i as the parameters'
/// bytes. Plain SGD: none.
std::uint64_t MomentBytes(const LocalTraining& ask, const ParameterLayout& layout);

/// Whether `moments` are what this training of this layout keeps; empty ones are, whatever it is.
/// Errors: file_malformed.
Status CheckMoments(ByteSpan moments, const LocalTraining& ask, const ParameterLayout& layout);

}  // namespace muster
