#include "training/local_steps.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "training/dense_model.h"

namespace muster {
namespace {

constexpr std::string_view kMagic = "MADW";
constexpr std::uint16_t kFormat = 1;
constexpr std::uint64_t kStepsOffset = 8;
constexpr std::uint64_t kSizeOffset = 16;
constexpr std::uint64_t kHeaderBytes = 24;

class Sgd final : public LocalSteps {
 public:
  Sgd(const StepKernels& kernels, const LocalTraining& ask, std::uint64_t batch_size,
      const ParameterSet& base, ByteSpan own_control, ParameterSet& parameters)
      : gradients_(kernels, batch_size, parameters),
        learning_rate_(static_cast<float>(ask.train.learning_rate)),
        pull_(static_cast<float>(ask.train.learning_rate * ask.proximal_mu)),
        base_(base),
        parameters_(parameters) {
    if (ask.control_variates) TakeControl(own_control);
    if (batch_size > kPieceExamplesMax || pull_ != 0 || shift_) {
      step_ = ParameterSet(parameters.layout());
    }
  }

  void Step(const ExampleSet& examples, std::span<const std::uint32_t> batch) override {
    const float factor = -learning_rate_ / static_cast<float>(batch.size());
    if (batch.size() <= kPieceExamplesMax && pull_ == 0 && !shift_) {
      gradients_.Add(examples, batch, factor, TensorPointers(parameters_));
      return;
    }
    std::memset(step_.bytes().data(), 0, step_.bytes().size());
    const std::vector<float*> sum = TensorPointers(step_);
    gradients_.Add(examples, batch, factor, sum);
    for (std::size_t tensor = 0; tensor < sum.size(); ++tensor) {
      if (pull_ != 0) AddPull(tensor);
      if (shift_) AddShift(tensor);
      const std::span<float> values = parameters_.F32(tensor);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += sum[tensor][i];
    }
  }

  Bytes Moments() const override { return own_control_; }

 private:
  // rate * (c_i - c), the same in every step of a fit.
  void TakeControl(ByteSpan own_control) {
    shift_.emplace(parameters_.layout());
    if (!own_control.empty()) std::ranges::copy(own_control, shift_->bytes().begin());
    const ByteSpan own = std::as_const(*shift_).bytes();
    own_control_.assign(own.begin(), own.end());
    const std::size_t tensors = shift_->layout().entries().size();
    for (std::size_t tensor = 0; tensor < tensors; ++tensor) {
      const std::span<const float> server = base_.F32(tensors + tensor);
      const std::span<float> shift = shift_->F32(tensor);
      for (std::size_t i = 0; i < shift.size(); ++i) {
        shift[i] = learning_rate_ * (shift[i] - server[i]);
      }
    }
  }

  void AddShift(std::size_t tensor) {
    const std::span<float> step = step_.F32(tensor);
    const std::span<const float> shift = std::as_const(*shift_).F32(tensor);
    for (std::size_t i = 0; i < step.size(); ++i) step[i] += shift[i];
  }

  // The proximal term's share of a step, which is still to be taken.
  void AddPull(std::size_t tensor) {
    const std::span<float> step = step_.F32(tensor);
    const std::span<const float> values = std::as_const(parameters_).F32(tensor);
    const std::span<const float> base = base_.F32(tensor);
    for (std::size_t i = 0; i < step.size(); ++i) step[i] -= pull_ * (values[i] - base[i]);
  }

  Gradients gradients_;
  float learning_rate_;
  float pull_;
  const ParameterSet& base_;
  ParameterSet& parameters_;
  ParameterSet step_;
  std::optional<ParameterSet> shift_;  ///< With control variates.
  Bytes own_control_;                  ///< c_i, which no step changes.
};

// base^exponent by squaring: no libm, whose last bits differ.
double Power(double base, std::uint64_t exponent) {
  double power = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) power *= base;
    base *= base;
  }
  return power;
}

class AdamW final : public LocalSteps {
 public:
  AdamW(const StepKernels& kernels, const TrainSpec& train, std::uint64_t batch_size,
        ByteSpan moments, ParameterSet& parameters)
      : kernels_(kernels),
        train_(train),
        gradients_(kernels, batch_size, parameters),
        parameters_(parameters),
        gradient_(parameters.layout()),
        first_(parameters.layout()),
        second_(parameters.layout()) {
    if (moments.empty()) return;
    steps_ = LoadLittle<std::uint64_t>(moments, kStepsOffset);
    const std::size_t size = first_.bytes().size();
    std::ranges::copy(moments.subspan(kHeaderBytes, size), first_.bytes().begin());
    std::ranges::copy(moments.subspan(kHeaderBytes + size, size), second_.bytes().begin());
  }

  void Step(const ExampleSet& examples, std::span<const std::uint32_t> batch) override {
    std::memset(gradient_.bytes().data(), 0, gradient_.bytes().size());
    gradients_.Add(examples, batch, 1.0F / static_cast<float>(batch.size()),
                   TensorPointers(gradient_));
    ++steps_;
    AdamWStep step;
    step.rate = static_cast<float>(train_.learning_rate);
    step.beta1 = static_cast<float>(train_.adam_beta1);
    step.beta2 = static_cast<float>(train_.adam_beta2);
    step.rest1 = static_cast<float>(1 - train_.adam_beta1);
    step.rest2 = static_cast<float>(1 - train_.adam_beta2);
    step.first_scale = static_cast<float>(1 / (1 - Power(train_.adam_beta1, steps_)));
    step.second_scale = static_cast<float>(1 / (1 - Power(train_.adam_beta2, steps_)));
    step.epsilon = static_cast<float>(train_.adam_epsilon);
    step.decay = static_cast<float>(train_.weight_decay);
    for (std::size_t tensor = 0; tensor < parameters_.layout().entries().size(); ++tensor) {
      const std::span<float> values = parameters_.F32(tensor);
      kernels_.table.adamw(step, values.size(), values.data(), gradient_.F32(tensor).data(),
                           first_.F32(tensor).data(), second_.F32(tensor).data());
    }
  }

  Bytes Moments() const override {
    const std::uint64_t size = first_.bytes().size();
    Bytes bytes(kHeaderBytes + 2 * size);
    std::ranges::copy(AsBytes(kMagic), bytes.begin());
    StoreLittle(MutableByteSpan(bytes), kMagic.size(), kFormat);
    StoreLittle(MutableByteSpan(bytes), kStepsOffset, steps_);
    StoreLittle(MutableByteSpan(bytes), kSizeOffset, size);
    const auto behind = std::ranges::copy(first_.bytes(), bytes.begin() + kHeaderBytes).out;
    std::ranges::copy(second_.bytes(), behind);
    return bytes;
  }

 private:
  const StepKernels kernels_;
  const TrainSpec train_;
  Gradients gradients_;
  ParameterSet& parameters_;
  ParameterSet gradient_;
  ParameterSet first_;
  ParameterSet second_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<LocalSteps> CreateLocalSteps(const StepKernels& kernels, const LocalTraining& ask,
                                             std::uint64_t batch_size, const ParameterSet& base,
                                             ByteSpan moments, ParameterSet& parameters) {
  if (ask.train.optimizer == Optimizer::adamw) {
    return std::make_unique<AdamW>(kernels, ask.train, batch_size, moments, parameters);
  }
  return std::make_unique<Sgd>(kernels, ask, batch_size, base, moments, parameters);
}

std::uint64_t MomentBytes(const LocalTraining& ask, const ParameterLayout& layout) {
  if (ask.train.optimizer == Optimizer::adamw) return kHeaderBytes + 2 * layout.total_bytes();
  return ask.control_variates ? layout.total_bytes() : 0;
}

Status CheckMoments(ByteSpan moments, const LocalTraining& ask, const ParameterLayout& layout) {
  if (moments.empty()) return {};
  const bool known =
      ask.train.optimizer != Optimizer::adamw ||
      (moments.size() >= kHeaderBytes && AsText(moments.first(kMagic.size())) == kMagic &&
       LoadLittle<std::uint16_t>(moments, kMagic.size()) == kFormat &&
       LoadLittle<std::uint64_t>(moments, kSizeOffset) == layout.total_bytes());
  if (known && moments.size() == MomentBytes(ask, layout)) return {};
  return Error{Reason::file_malformed,
               "the client-side state is not that of this job's local training; without its file "
               "(client.bin) the training begins from a fresh one"};
}

}  // namespace muster
