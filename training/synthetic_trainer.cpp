#include "training/synthetic_trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "common/digest.h"
#include "common/random.h"
#include "model/elastic.h"
#include "training/fit_progress.h"

namespace muster {

namespace {

constexpr std::uint64_t kExamplesMax = 1000;
constexpr std::uint64_t kStepsMax = 50;

Status CheckFinite(const ParameterSet& parameters) {
  const std::span<const float> values = parameters.F32(0);
  const auto wrong =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (wrong == values.end()) return {};
  return Error{Reason::not_finite, "the model's value " + std::to_string(wrong - values.begin()) +
                                       " is NaN or infinite"};
}

std::uint64_t BatchesTotal(const LocalTraining& ask) {
  if (ask.gradient) return 1;
  return ask.train.steps > 0 ? ask.train.steps : kSyntheticBatches * ask.train.epochs;
}

// Waits as long as a batch lasts, or until stop is requested.
void WaitForBatch(std::chrono::microseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait_for(lock, std::move(stop), duration, [] { return false; });
}

/// The digest as two numbers, most significant first.
std::pair<std::uint64_t, std::uint64_t> NumbersOf(const Xxh128Digest& digest) {
  std::pair<std::uint64_t, std::uint64_t> numbers{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    std::uint64_t& number = i < digest.size() / 2 ? numbers.first : numbers.second;
    number = number << 8U | std::to_integer<std::uint64_t>(digest[i]);
  }
  return numbers;
}

Xxh128Digest Joined(const Xxh128Digest& a, const Xxh128Digest& b) {
  std::array<std::byte, 2 * sizeof(Xxh128Digest)> both;
  std::ranges::copy(b, std::ranges::copy(a, both.begin()).out);
  return Xxh128Of(both);
}

// The steps' share of SCAFFOLD's control variates: length * (c_i - c).
void AddControl(double length, const ParameterSet& base, ByteSpan client, ParameterSet& delta) {
  const std::span<const float> server = base.F32(1);
  const std::span<float> values = delta.F32(0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float own = 0;
    if (!client.empty()) std::memcpy(&own, client.data() + i * sizeof(own), sizeof(own));
    const double shift = length * (static_cast<double>(own) - server[i]);
    values[i] = static_cast<float>(values[i] + shift);
  }
}

class SyntheticTrainer final : public Trainer {
 public:
  SyntheticTrainer(JobSpec job, std::uint32_t part, ParameterLayout layout)
      : job_(std::move(job)),
        moments_(job_.train.optimizer == Optimizer::adamw),
        layout_(std::move(layout)),
        owner_{JobDigest(job_), part} {}

  const ParameterLayout& layout() const override { return layout_; }
  ParameterSet InitialParameters() const override {
    ParameterSet parameters(layout_);
    KeyedStream stream(job_.seed, "initial", {0});
    for (float& value : parameters.F32(0)) value = stream.Uniform(-1.0F, 1.0F);
    return parameters;
  }
  bool deterministic() const override { return true; }

  Result<FitResult> Fit(const FitTask& task, const LocalTraining& ask, const ParameterSet& base,
                        ByteSpan client, ParameterSet& delta, std::stop_token stop,
                        const std::function<void(const FitPosition&)>& on_batch) override;
  Bytes Save() const override {
    return progress_.has_value() ? EncodeFitProgress(*progress_, owner_) : Bytes();
  }
  Status Load(ByteSpan position, const LocalTraining& ask) override;
  Result<Evaluation> Evaluate(const ParameterSet& model, std::stop_token stop) override;

 private:
  // What a custom strategy keeps of its own may be of any size.
  Status CheckClient(ByteSpan client, const LocalTraining& ask) const {
    const bool any_size = client.empty() || (!moments_ && !ask.control_variates);
    const std::uint64_t size = moments_ ? sizeof(Xxh128Digest) : layout_.total_bytes();
    if (any_size || client.size() == size) return {};
    return Error{Reason::file_malformed, "the client-side state is not of this job's trainer"};
  }

  const JobSpec job_;
  const bool moments_;  ///< It keeps client-side state, as an optimizer keeps its moments.
  const ParameterLayout layout_;
  const ProgressOwner owner_;
  std::optional<FitProgress> progress_;
};

Result<FitResult> SyntheticTrainer::Fit(const FitTask& task, const LocalTraining& ask,
                                        const ParameterSet& base, ByteSpan client,
                                        ParameterSet& delta, std::stop_token stop,
                                        const std::function<void(const FitPosition&)>& on_batch) {
  MUSTER_CHECK(BeginsWith(base.layout(), layout_) && BeginsWith(delta.layout(), layout_),
               "not this job's model");
  FitProgress progress = {task, Xxh128Of(base.bytes()), Xxh128Of(client), 0, {}, {}};
  const std::optional<FitProgress> kept = std::exchange(progress_, std::nullopt);
  const bool same = kept.has_value() && kept->task == task && kept->base == progress.base &&
                    kept->client == progress.client;
  if (same) progress = *kept;
  MUSTER_TRY(CheckFinite(base));
  MUSTER_TRY(CheckClient(client, ask));

  const std::initializer_list<std::uint64_t> key = {task.round, task.slot, task.task};
  std::uint64_t examples = 1 + KeyedNumber(job_.seed, "synthetic_examples", key) % kExamplesMax;
  if (job_.data.access == DataAccess::elastic) {
    const auto block = BlockOf(job_, task.round, task.slot);
    MUSTER_TRY(block);
    examples = block->end - block->begin;
  }
  const std::uint64_t total = BatchesTotal(ask);
  const auto duration = std::chrono::microseconds(ask.train.duration_ms * 1000ULL / total);
  while (progress.batches_done < total) {
    if (duration.count() > 0) WaitForBatch(duration, stop);
    if (stop.stop_requested()) {
      progress_ = progress;
      return FitResult{true, examples, {}};
    }
    const std::uint64_t done = ++progress.batches_done;
    on_batch({static_cast<std::uint32_t>(done / kSyntheticBatches), done % kSyntheticBatches, done,
              total});
  }
  std::memset(delta.bytes().data(), 0, delta.bytes().size());
  const Xxh128Digest from =
      moments_ || !client.empty() ? Joined(progress.base, progress.client) : progress.base;
  const auto [high, low] = NumbersOf(from);
  KeyedStream stream(job_.seed, "synthetic", {task.round, task.slot, task.task, high, low});
  for (float& value : delta.F32(0)) {
    value = stream.Uniform(-kSyntheticDeltaMax, kSyntheticDeltaMax);
    if (ask.proximal_mu != 0) value = static_cast<float>(value / (1 + ask.proximal_mu));
  }
  FitResult result{false, examples, {}};
  result.steps = 1 + KeyedNumber(job_.seed, "synthetic_steps", key) % kStepsMax;
  if (ask.control_variates) {
    AddControl(static_cast<double>(result.steps) * ask.train.learning_rate, base, client, delta);
  }
  if (moments_) {
    const Xxh128Digest next = Joined(from, Xxh128Of(std::as_const(delta).bytes()));
    result.client.assign(next.begin(), next.end());
  }
  return result;
}

Status SyntheticTrainer::Load(ByteSpan position, const LocalTraining& ask) {
  auto progress = DecodeFitProgress(position, owner_, 0, 0, BatchesTotal(ask));
  MUSTER_TRY(progress);
  progress_ = std::move(*progress);
  return {};
}

Result<Evaluation> SyntheticTrainer::Evaluate(const ParameterSet& model, std::stop_token stop) {
  MUSTER_CHECK(model.layout() == layout_, "not this job's model");
  if (stop.stop_requested()) return Error{Reason::cancelled, "an evaluation was stopped"};
  MUSTER_TRY(CheckFinite(model));
  double squares = 0;
  for (const float value : model.F32(0)) squares += static_cast<double>(value) * value;
  const double loss = squares / static_cast<double>(model.F32(0).size());
  return Evaluation{1, loss, 1.0 / (1.0 + loss)};
}

}  // namespace

Result<std::unique_ptr<Trainer>> CreateSyntheticTrainer(const JobSpec& job, std::uint32_t part) {
  auto layout = ParameterLayout::Create({{"parameters", DType::f32, {job.model.parameters}}});
  MUSTER_TRY(layout);
  return std::make_unique<SyntheticTrainer>(job, part, std::move(*layout));
}

}  // namespace muster
