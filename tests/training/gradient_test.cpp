// Mode sync-sgd: what a slot computes, and that a step of all of them is the step of one process.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <tuple>

#include "aggregation/lane_set.h"
#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "tests/aggregation/ring_inputs.h"
#include "tests/training/job_support.h"
#include "training/examples.h"
#include "training/micro_batch.h"
#include "training/partition.h"

namespace muster {
namespace {

JobSpec GradientJob(ModelKind kind, std::uint32_t workers, std::uint32_t batch_size) {
  JobSpec job = SmallJob();
  job.model.kind = kind;
  job.model.hidden = {30, 20};
  job.data.parts = job.round.goal = job.round.quorum = workers;
  job.data.train_examples = 601;  // A prime: parts and last batches differ in size.
  job.train.batch_size = batch_size;
  job.round.mode = Mode::sync_sgd;
  job.strategy.server_learning_rate = 0.2;
  return job;
}

// One committed step, as a coordinator makes it of all slots' updates.
ParameterSet NextVersion(const JobSpec& job, Round round, const ParameterSet& parent,
                         const std::vector<std::unique_ptr<Trainer>>& members) {
  const auto strategy = CreateStrategy(job);
  const ParameterLayout& layout = members.front()->layout();
  ParameterSet model(layout);
  std::memcpy(model.bytes().data(), parent.bytes().data(), model.bytes().size());
  std::vector<ParameterSet> updates;
  std::vector<UpdateSource> sources;
  updates.reserve(members.size());
  for (Slot slot = 0; slot < members.size(); ++slot) {
    Fitted fitted = FitOnce(*members[slot], {round, slot, 0}, strategy->Ask(round), model);
    updates.push_back(std::move(fitted.delta));
    sources.push_back(
        testing::SourceOf(updates.back(), strategy->UpdateWeight(fitted.result.examples).value()));
  }
  const auto tensors = static_cast<std::uint32_t>(layout.entries().size());
  const auto manifest = DescribeVersion(parent, tensors, 0).value();
  const LaneSet lanes = LanesOf(*strategy, layout).value();
  const RingCapacity capacity = {job.aggregation.weight_max, job.data.parts};
  RingSum sum(lanes);
  EXPECT_TRUE(
      sum.Reset(ComputeLaneScales(lanes, manifest.tensor_max_abs, capacity, 0).value(), capacity)
          .has_value());
  ThreadPool pool(2);
  EXPECT_TRUE(sum.Fold(sources, pool).has_value());
  ParameterSet version(parent.layout());
  EXPECT_TRUE(BuildVersion({*strategy, parent, sum, round}, pool, version).has_value());
  return version;
}

// SGD in one process, momentum as in PyTorch: v := m * v + g, w := w - r * v. The gradient is that
// of the joined batch, computed by a trainer that has these examples and no others.
class SingleProcess {
 public:
  explicit SingleProcess(const JobSpec& job) : job_(job) {
    job_.data.parts = job_.round.goal = job_.round.quorum = 1;
    job_.train.batch_size = 0;
    trainer_ = TrainerOf(job_);
    model_ = trainer_->InitialParameters();
    velocity_.resize(model_.bytes().size() / sizeof(float));
  }

  /// `slots`: which examples each of them has in this step.
  void Step(const std::vector<std::vector<std::uint32_t>>& slots) {
    std::vector<std::uint32_t> joined;
    for (const auto& slot : slots) joined.insert(joined.end(), slot.begin(), slot.end());
    const auto gradient = GradientOf(joined);
    for (std::size_t tensor = 0, at = 0; tensor < model_.layout().entries().size(); ++tensor) {
      const std::span<float> values = model_.F32(tensor);
      for (std::size_t i = 0; i < values.size(); ++i, ++at) {
        velocity_[at] = job_.strategy.server_momentum * velocity_[at] + gradient[at];
        values[i] =
            static_cast<float>(values[i] - job_.strategy.server_learning_rate * velocity_[at]);
      }
    }
  }
  const ParameterSet& model() const { return model_; }

 private:
  /// One tiny step of plain SGD over examples one by one would lose bits: the kernels' own sum of
  /// each example's gradient, added in double.
  std::vector<double> GradientOf(const std::vector<std::uint32_t>& indices) {
    std::vector<double> sum(velocity_.size());
    JobSpec one = job_;
    one.train.batch_size = 1;
    auto examples = OpenExamples(job_, Split::train, {}).value();
    const std::vector<std::uint32_t> all = PartIndices(job_, examples->labels(), 0).value();
    if (!single_) single_ = TrainerOf(one);
    MicroBatches batches(one.seed, 0, all, 1);
    // The round in which the one-example trainer has this example.
    std::vector<Round> round_of(all.size());
    for (Round round = 1; round <= all.size(); ++round) round_of[batches.Of(round)[0]] = round;
    for (const std::uint32_t index : indices) {
      const Fitted fitted =
          FitOnce(*single_, {round_of[index], 0, 0}, LocalTrainingOf(one), model_);
      std::size_t at = 0;
      for (std::size_t tensor = 0; tensor < model_.layout().entries().size(); ++tensor) {
        for (const float value : fitted.delta.F32(tensor)) sum[at++] -= value;
      }
    }
    for (double& value : sum) value /= static_cast<double>(indices.size());
    return sum;
  }

  JobSpec job_;
  std::unique_ptr<Trainer> trainer_, single_;
  ParameterSet model_;
  std::vector<double> velocity_;
};

using GradientCase = std::tuple<ModelKind, std::uint32_t, double>;
class SyncSgd : public ::testing::TestWithParam<GradientCase> {};

TEST_P(SyncSgd, SeveralStepsAreThoseOfOneProcessOnTheJoinedBatch) {
  const auto [kind, workers, momentum] = GetParam();
  constexpr std::uint32_t kBatch = 16;
  JobSpec job = GradientJob(kind, workers, kBatch);
  job.strategy.server_momentum = momentum;
  std::vector<std::unique_ptr<Trainer>> members;
  std::vector<MicroBatches> batches;
  const auto examples = OpenExamples(job, Split::train, {}).value();
  for (std::uint32_t part = 0; part < workers; ++part) {
    members.push_back(TrainerOf(job, part));
    batches.emplace_back(job.seed, part, PartIndices(job, examples->labels(), part).value(),
                         kBatch);
  }
  const ParameterSet first = members[0]->InitialParameters();
  ParameterSet version = InitialVersion(*CreateStrategy(job), first).value();
  SingleProcess oracle(job);
  for (Round round = 1; round <= 5; ++round) {
    version = NextVersion(job, round, version, members);
    std::vector<std::vector<std::uint32_t>> slots;
    for (MicroBatches& slot : batches) {
      const auto of_round = slot.Of(round);
      slots.emplace_back(of_round.begin(), of_round.end());
    }
    oracle.Step(slots);
    double moved = 0;
    for (std::size_t tensor = 0; tensor < first.layout().entries().size(); ++tensor) {
      for (std::size_t i = 0; i < first.F32(tensor).size(); ++i) {
        ASSERT_NEAR(version.F32(tensor)[i], oracle.model().F32(tensor)[i], 1e-6)
            << "round " << round << ", tensor " << tensor << ", value " << i;
        moved = std::max(moved, std::abs(double{version.F32(tensor)[i]} - first.F32(tensor)[i]));
      }
    }
    EXPECT_GT(moved, 1e-3) << "the steps move nothing";
  }
}

std::string GradientCaseName(const ::testing::TestParamInfo<GradientCase>& info) {
  const auto& [kind, workers, momentum] = info.param;
  return std::string(kind == ModelKind::mlp ? "Mlp" : "Softmax") + std::to_string(workers) +
         (momentum > 0 ? "Momentum" : "");
}

INSTANTIATE_TEST_SUITE_P(Workers, SyncSgd,
                         ::testing::Combine(::testing::Values(ModelKind::softmax, ModelKind::mlp),
                                            ::testing::Values(1U, 2U, 5U),
                                            ::testing::Values(0.0, 0.9)),
                         GradientCaseName);

TEST(MicroBatches, AnEpochHasEveryExampleOnceAndTheNextAnotherOrder) {
  std::vector<std::uint32_t> indices(25);
  std::iota(indices.begin(), indices.end(), 100U);
  MicroBatches batches(7, 3, indices, 10);
  std::vector<std::vector<std::uint32_t>> epochs(2);
  for (Round round = 1; round <= 6; ++round) {
    const auto batch = batches.Of(round);
    EXPECT_EQ(batch.size(), round % 3 == 0 ? 5U : 10U) << round;
    auto& epoch = epochs[(round - 1) / 3];
    epoch.insert(epoch.end(), batch.begin(), batch.end());
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (auto& epoch : epochs) {
    EXPECT_NE(epoch, indices);
    std::ranges::sort(epoch);
    EXPECT_EQ(epoch, indices);
  }
}

TEST(MicroBatches, AreAFunctionOfRoundAndSlotWhateverWasAskedBefore) {
  std::vector<std::uint32_t> indices(40);
  std::iota(indices.begin(), indices.end(), 0U);
  const auto of = [&](Slot slot, std::vector<Round> rounds) {
    MicroBatches batches(7, slot, indices, 10);
    std::vector<std::uint32_t> last;
    for (const Round round : rounds) {
      const auto batch = batches.Of(round);
      last.assign(batch.begin(), batch.end());
    }
    return last;
  };
  EXPECT_EQ(of(1, {1, 2, 3, 4, 5, 6}), of(1, {6}));
  EXPECT_EQ(of(1, {9, 6, 1, 6}), of(1, {6}));
  EXPECT_NE(of(1, {6}), of(2, {6}));
}

TEST(GradientStep, WeighsWithItsMicroBatchAndDoesNotLoseSmallBits) {
  JobSpec job = GradientJob(ModelKind::softmax, 2, 7);
  const auto trainer = TrainerOf(job, 1);
  const Fitted fitted =
      FitOnce(*trainer, {1, 1, 0}, LocalTrainingOf(job), trainer->InitialParameters());
  EXPECT_EQ(fitted.result.examples, 7U);
  EXPECT_EQ(fitted.positions.size(), 1U);
  // Added to large parameters most of it would be lost.
  ParameterSet large = trainer->InitialParameters();
  for (float& value : large.F32(0)) value *= 1e6F;
  const Fitted far = FitOnce(*trainer, {1, 1, 0}, LocalTrainingOf(job), large);
  const ParameterSet& base = large;
  std::size_t lost = 0;
  for (std::size_t i = 0; i < base.F32(0).size(); ++i) {
    const float value = far.delta.F32(0)[i];
    lost += value != 0 && (base.F32(0)[i] + value) - base.F32(0)[i] != value;
  }
  EXPECT_GT(lost, 100U);
}

TEST(GradientStep, StopsBeforeItAndKeepsNoPosition) {
  const JobSpec job = GradientJob(ModelKind::softmax, 2, 7);
  const auto trainer = TrainerOf(job);
  const Fitted fitted =
      FitOnce(*trainer, {1, 0, 0}, LocalTrainingOf(job), trainer->InitialParameters(), 0);
  EXPECT_TRUE(fitted.result.cancelled);
  EXPECT_TRUE(fitted.positions.empty());
  EXPECT_TRUE(trainer->Save().empty());
}

}  // namespace
}  // namespace muster
