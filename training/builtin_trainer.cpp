#include "training/builtin_trainer.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/limits.h"
#include "common/random.h"
#include "training/batches.h"
#include "training/block_deal.h"
#include "training/dense_model.h"
#include "training/examples.h"
#include "training/fit_progress.h"
#include "training/local_steps.h"
#include "training/micro_batch.h"
#include "training/partition.h"
#include "training/shuffle.h"

namespace muster {

namespace {

class BuiltinTrainer final : public Trainer {
 public:
  BuiltinTrainer(JobSpec job, std::uint32_t part, DataOptions options, InstructionSet set,
                 ParameterLayout layout)
      : job_(std::move(job)),
        part_(part),
        options_(std::move(options)),
        kernels_(Kernels(set)),
        units_(LayerUnits(job_.model)),
        layout_(std::move(layout)),
        owner_{JobDigest(job_), part} {
    if (job_.data.access == DataAccess::elastic) deal_.emplace(job_);
  }

  const ParameterLayout& layout() const override { return layout_; }
  ParameterSet InitialParameters() const override {
    return InitialDenseParameters(layout_, job_.seed);
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
  DenseShape Shape() const {
    return {static_cast<std::uint32_t>(units_.size() - 1), units_.data()};
  }
  std::uint64_t BatchSize(const LocalTraining& ask) const {
    const std::uint64_t all = indices_.size();
    return ask.train.batch_size == 0 ? all : std::min<std::uint64_t>(ask.train.batch_size, all);
  }
  std::uint64_t BatchesPerEpoch(const LocalTraining& ask) const {
    return (indices_.size() + BatchSize(ask) - 1) / BatchSize(ask);
  }

  Status LoadPart(const FitTask& task);
  FitResult Gradient(const FitTask& task, const LocalTraining& ask, const ParameterSet& base,
                     ParameterSet& delta);
  FitProgress TakeProgress(const FitTask& task, const ParameterSet& base, ByteSpan client);
  /// How many batches a fit has.
  std::uint64_t BatchesTotal(const LocalTraining& ask) const {
    return ask.train.steps > 0 ? ask.train.steps : BatchesPerEpoch(ask) * ask.train.epochs;
  }
  /// How many of the part's examples these batches hold; only the last of an epoch may be short.
  std::uint64_t ExamplesIn(std::uint64_t batches, const LocalTraining& ask) const {
    return std::min<std::uint64_t>(indices_.size(), batches * BatchSize(ask));
  }
  std::vector<std::uint32_t> EpochOrder(const FitTask& task, std::uint64_t epoch) const;

  const JobSpec job_;
  const std::uint32_t part_;
  const DataOptions options_;
  const KernelTable& kernels_;
  const std::vector<std::uint32_t> units_;
  const ParameterLayout layout_;
  const ProgressOwner owner_;
  std::shared_ptr<const ExampleSet> train_;  // With indices_, from the first fit on.
  std::vector<std::uint32_t> indices_;
  std::optional<BlockDeal> deal_;              // Elastic data: indices_ are those of one task.
  std::optional<MicroBatches> micro_batches_;  // From the first gradient on.
  std::shared_ptr<const ExampleSet> test_;     // From the first evaluation on.
  std::optional<FitProgress> progress_;
};

// What the task trains on: the part, the same for each, or its own block.
Status BuiltinTrainer::LoadPart(const FitTask& task) {
  if (train_ != nullptr && !deal_) return {};
  std::shared_ptr<const ExampleSet> train = train_;
  if (train == nullptr) {
    auto examples = OpenExamples(job_, Split::train, options_);
    MUSTER_TRY(examples);
    train = std::move(*examples);
  }
  auto indices = deal_ ? deal_->ExamplesOf(task) : PartIndices(job_, train->labels(), part_);
  MUSTER_TRY(indices);
  train_ = std::move(train);
  indices_ = std::move(*indices);
  return {};
}

FitProgress BuiltinTrainer::TakeProgress(const FitTask& task, const ParameterSet& base,
                                         ByteSpan client) {
  FitProgress fresh = {task, Xxh128Of(base.bytes()), Xxh128Of(client), 0, {}, {}};
  std::optional<FitProgress> kept = std::exchange(progress_, std::nullopt);
  const bool same = kept.has_value() && kept->task == task && kept->base == fresh.base &&
                    kept->client == fresh.client;
  if (same) return std::move(*kept);
  fresh.moments.assign(client.begin(), client.end());
  const ByteSpan model = base.bytes().first(layout_.total_bytes());
  fresh.parameters.assign(model.begin(), model.end());
  return fresh;
}

std::vector<std::uint32_t> BuiltinTrainer::EpochOrder(const FitTask& task,
                                                      std::uint64_t epoch) const {
  std::vector<std::uint32_t> order = indices_;
  KeyedStream stream(job_.seed, "shuffle", {task.round, task.slot, task.task, epoch});
  Shuffle(order, stream);
  return order;
}

// Straight into `delta`: trained - base would lose the low bits of small gradients.
FitResult BuiltinTrainer::Gradient(const FitTask& task, const LocalTraining& ask,
                                   const ParameterSet& base, ParameterSet& delta) {
  if (!deal_ && !micro_batches_) {
    micro_batches_.emplace(job_.seed, part_, indices_, ask.train.batch_size);
  }
  const std::span<const std::uint32_t> batch = deal_ ? indices_ : micro_batches_->Of(task.round);
  std::memset(delta.bytes().data(), 0, delta.bytes().size());
  Gradients({kernels_, Shape()}, batch.size(), base)
      .Add(*train_, batch, -1.0F / static_cast<float>(batch.size()), TensorPointers(delta));
  return FitResult{.examples = batch.size(), .steps = 1};
}

Result<FitResult> BuiltinTrainer::Fit(const FitTask& task, const LocalTraining& ask,
                                      const ParameterSet& base, ByteSpan client,
                                      ParameterSet& delta, std::stop_token stop,
                                      const std::function<void(const FitPosition&)>& on_batch) {
  MUSTER_CHECK(BeginsWith(base.layout(), layout_) && BeginsWith(delta.layout(), layout_),
               "not this job's model");
  MUSTER_TRY(LoadPart(task));
  if (ask.gradient) {
    if (stop.stop_requested()) return FitResult{.cancelled = true};
    FitResult result = Gradient(task, ask, base, delta);
    on_batch({1, 0, 1, 1});
    return result;
  }
  if (MomentBytes(ask, layout_) > 0) MUSTER_TRY(CheckMoments(client, ask, layout_));
  FitProgress progress = TakeProgress(task, base, client);
  ParameterSet parameters(layout_);
  std::memcpy(parameters.bytes().data(), progress.parameters.data(), progress.parameters.size());
  const std::uint64_t batch_size = BatchSize(ask);
  const std::unique_ptr<LocalSteps> steps =
      CreateLocalSteps({kernels_, Shape()}, ask, batch_size, base, progress.moments, parameters);

  const std::uint64_t per_epoch = BatchesPerEpoch(ask);
  const std::uint64_t total = BatchesTotal(ask);
  std::vector<std::uint32_t> order;
  while (progress.batches_done < total) {
    if (stop.stop_requested()) {
      const ByteSpan trained = parameters.bytes();
      progress.parameters.assign(trained.begin(), trained.end());
      progress.moments = steps->Moments();
      progress_ = std::move(progress);
      return FitResult{.cancelled = true, .examples = ExamplesIn(total, ask)};
    }
    const std::uint64_t batch = progress.batches_done % per_epoch;
    if (order.empty() || batch == 0) order = EpochOrder(task, progress.batches_done / per_epoch);
    const std::uint64_t begin = batch * batch_size;
    const std::uint64_t size = std::min<std::uint64_t>(batch_size, order.size() - begin);
    steps->Step(*train_, std::span(order).subspan(begin, size));
    const std::uint64_t done = ++progress.batches_done;
    on_batch({static_cast<std::uint32_t>(done / per_epoch), done % per_epoch, done, total});
  }

  std::memset(delta.bytes().data(), 0, delta.bytes().size());
  for (std::size_t tensor = 0; tensor < layout_.entries().size(); ++tensor) {
    const std::span<const float> from = base.F32(tensor);
    const std::span<const float> to = parameters.F32(tensor);
    std::transform(to.begin(), to.end(), from.begin(), delta.F32(tensor).begin(),
                   std::minus<float>());
  }
  return FitResult{false, ExamplesIn(total, ask), steps->Moments(), total};
}

Status BuiltinTrainer::Load(ByteSpan position, const LocalTraining& ask) {
  // Of elastic data the position itself says which block it is of; slot 0's is never shorter.
  MUSTER_TRY(LoadPart(FitTask{1, 0, 0}));
  auto progress = DecodeFitProgress(position, owner_, layout_.total_bytes(),
                                    MomentBytes(ask, layout_), BatchesTotal(ask));
  MUSTER_TRY(progress);
  if (deal_) {
    const Status block = LoadPart(progress->task);
    if (!block || progress->batches_done >= BatchesTotal(ask)) {
      return Error{Reason::file_malformed, "the saved position is beyond the block it names"};
    }
  }
  progress_ = std::move(*progress);
  return {};
}

Result<Evaluation> BuiltinTrainer::Evaluate(const ParameterSet& model, std::stop_token stop) {
  MUSTER_CHECK(model.layout() == layout_, "not this job's model");
  if (test_ == nullptr) {
    auto examples = OpenExamples(job_, Split::test, options_);
    MUSTER_TRY(examples);
    test_ = std::move(*examples);
  }
  const DenseShape shape = Shape();
  const std::vector<const float*> pointers = TensorPointers(model);
  const AlignedMemory workspace(kernels_.workspace_bytes(shape, kPieceExamplesMax));
  const auto count = static_cast<std::uint32_t>(test_->labels().size());
  Piece piece;
  std::vector<std::uint32_t> indices;
  double loss_sum = 0;
  std::uint64_t correct = 0;
  for (std::uint32_t begin = 0; begin < count; begin += kPieceExamplesMax) {
    if (stop.stop_requested()) return Error{Reason::cancelled, "an evaluation was stopped"};
    indices.clear();
    const std::uint32_t end = std::min(count, begin + kPieceExamplesMax);
    for (std::uint32_t index = begin; index < end; ++index) indices.push_back(index);
    const BatchScore score =
        kernels_.evaluate(shape, pointers.data(), piece.Gather(*test_, indices), workspace.get());
    loss_sum += score.loss_sum;
    correct += score.correct;
  }
  return Evaluation{count, loss_sum / count, static_cast<double>(correct) / count};
}

}  // namespace

Result<std::unique_ptr<Trainer>> CreateBuiltinTrainer(const JobSpec& job, std::uint32_t part,
                                                      const DataOptions& options,
                                                      InstructionSet set) {
  if (job.data.access == DataAccess::parts && part >= job.data.parts) {
    return Error{Reason::config_invalid, "there is no part " + std::to_string(part) +
                                             " of the data: data.parts is " +
                                             std::to_string(job.data.parts)};
  }
  MUSTER_TRY(CheckExamples(job, options));
  auto layout = DenseLayout(LayerUnits(job.model));
  MUSTER_TRY(layout);
  return std::make_unique<BuiltinTrainer>(job, part, options, set, std::move(*layout));
}

}  // namespace muster
