#include "training/builtin_trainer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/temp_dir.h"
#include "tests/training/idx_support.h"
#include "tests/training/job_support.h"

namespace muster {
namespace {

// 203 examples in 4 parts: part 0 holds 50, in 2 epochs of 7 batches of 8, the last one of 2.
JobSpec UnevenJob() {
  JobSpec job = SmallJob();
  job.data.train_examples = 203;
  job.train.batch_size = 8;
  job.train.epochs = 2;
  return job;
}
constexpr int kBatches = 14;
constexpr FitTask kTask = {3, 0, 0};

class BuiltinTrainer : public ::testing::Test {
 protected:
  // As after a restart: a new object that knows what `saved` holds.
  std::unique_ptr<Trainer> Restarted(const Bytes& saved) const {
    auto trainer = TrainerOf(job_);
    EXPECT_TRUE(trainer->Load(saved, {job_.train}).has_value());
    return trainer;
  }
  ParameterSet Base() const { return TrainerOf(job_)->InitialParameters(); }
  Fitted Undisturbed() const { return FitOnce(*TrainerOf(job_), kTask, job_.train, Base()); }

  const JobSpec job_ = UnevenJob();
};

TEST_F(BuiltinTrainer, AFitCutAtAnyBatchGoesOnToTheSameBits) {
  const Fitted whole = Undisturbed();
  ASSERT_EQ(whole.positions.size(), static_cast<std::size_t>(kBatches));
  for (int cut = 0; cut < kBatches; ++cut) {
    auto first = TrainerOf(job_);
    const Fitted before = FitOnce(*first, kTask, job_.train, Base(), cut);
    ASSERT_TRUE(before.result.cancelled) << "cut after " << cut;
    ASSERT_EQ(before.positions.size(), static_cast<std::size_t>(cut));
    const auto second = Restarted(first->Save());
    const Fitted after = FitOnce(*second, kTask, job_.train, Base());
    ASSERT_FALSE(after.result.cancelled);
    ASSERT_EQ(after.positions.size(), static_cast<std::size_t>(kBatches - cut));
    EXPECT_EQ(after.positions.front().batches_done, static_cast<std::uint64_t>(cut + 1));
    EXPECT_TRUE(SameBits(after.delta, whole.delta)) << "cut after " << cut;
    EXPECT_EQ(after.result.examples, whole.result.examples);
  }
}

TEST_F(BuiltinTrainer, AFitCutAfterEveryBatchTrainsEachOnce) {
  const Fitted whole = Undisturbed();
  Bytes saved;
  std::uint64_t done = 0;
  for (int life = 1; life < kBatches; ++life) {
    const auto trainer = saved.empty() ? TrainerOf(job_) : Restarted(saved);
    const Fitted cut = FitOnce(*trainer, kTask, job_.train, Base(), 1);
    ASSERT_TRUE(cut.result.cancelled);
    ASSERT_EQ(cut.positions.size(), 1U);
    EXPECT_EQ(cut.positions[0].batches_done, ++done);
    saved = trainer->Save();
  }
  const Fitted last = FitOnce(*Restarted(saved), kTask, job_.train, Base());
  EXPECT_EQ(last.positions.size(), 1U);
  EXPECT_TRUE(SameBits(last.delta, whole.delta));
}

TEST_F(BuiltinTrainer, AStopInTheLastBatchComesTooLate) {
  auto trainer = TrainerOf(job_);
  const Fitted fitted = FitOnce(*trainer, kTask, job_.train, Base(), kBatches);
  EXPECT_FALSE(fitted.result.cancelled);
  EXPECT_TRUE(trainer->Save().empty());
}

TEST_F(BuiltinTrainer, ProgressOfAnotherTaskOrBaseIsForgotten) {
  auto trainer = TrainerOf(job_);
  FitOnce(*trainer, kTask, job_.train, Base(), 5);
  const Bytes saved = trainer->Save();

  const auto for_other_task = Restarted(saved);
  EXPECT_EQ(FitOnce(*for_other_task, {4, 0, 0}, job_.train, Base()).positions.size(),
            static_cast<std::size_t>(kBatches));
  EXPECT_TRUE(for_other_task->Save().empty());

  ParameterSet other_base = Base();
  other_base.F32(0)[0] += 1.0F;
  EXPECT_EQ(FitOnce(*Restarted(saved), kTask, job_.train, other_base).positions.size(),
            static_cast<std::size_t>(kBatches));
}

TEST_F(BuiltinTrainer, LoadedProgressIsSavedAgain) {
  auto trainer = TrainerOf(job_);
  FitOnce(*trainer, kTask, job_.train, Base(), 5);
  const Bytes saved = trainer->Save();
  EXPECT_EQ(Restarted(saved)->Save(), saved);
}

TEST_F(BuiltinTrainer, HostileProgressIsRefusedAndChangesNothing) {
  auto first = TrainerOf(job_);
  FitOnce(*first, kTask, job_.train, Base(), 5);
  Bytes saved = first->Save();
  saved[saved.size() / 2] ^= std::byte{1};
  auto trainer = TrainerOf(job_);
  EXPECT_EQ(trainer->Load(saved, {job_.train}).error().reason, Reason::file_malformed);
  EXPECT_EQ(trainer->Load({}, {job_.train}).error().reason, Reason::file_malformed);
  EXPECT_TRUE(SameBits(FitOnce(*trainer, kTask, job_.train, Base()).delta, Undisturbed().delta));
}

TEST_F(BuiltinTrainer, ProgressOfAnotherPartIsRefused) {
  auto first = TrainerOf(job_, 1);
  FitOnce(*first, kTask, job_.train, Base(), 5);
  EXPECT_EQ(TrainerOf(job_, 2)->Load(first->Save(), {job_.train}).error().reason,
            Reason::file_malformed);
}

TEST_F(BuiltinTrainer, PositionsCountEpochsAndBatches) {
  const Fitted whole = Undisturbed();
  EXPECT_EQ(whole.positions[6].epoch, 1U);
  EXPECT_EQ(whole.positions[6].batch, 0U);
  EXPECT_EQ(whole.positions[8].epoch, 1U);
  EXPECT_EQ(whole.positions[8].batch, 2U);
  EXPECT_EQ(whole.positions[8].batches_total, static_cast<std::uint64_t>(kBatches));
}

TEST_F(BuiltinTrainer, EqualTasksGiveEqualBitsAndOthersDoNot) {
  const Fitted fitted = Undisturbed();
  EXPECT_TRUE(SameBits(Undisturbed().delta, fitted.delta));
  auto trainer = TrainerOf(job_);
  for (const FitTask& other : {FitTask{4, 0, 0}, FitTask{3, 1, 0}, FitTask{3, 0, 1}}) {
    EXPECT_FALSE(SameBits(FitOnce(*trainer, other, job_.train, Base()).delta, fitted.delta));
  }
}

// Two fits of one epoch under one key go through the part in one order; two epochs do not.
TEST_F(BuiltinTrainer, EachEpochHasItsOwnOrder) {
  JobSpec one_epoch = job_;
  one_epoch.train.epochs = 1;
  auto trainer = TrainerOf(one_epoch);
  ParameterSet model = Base();
  for (int fit = 0; fit < 2; ++fit) {
    const Fitted fitted = FitOnce(*trainer, kTask, one_epoch.train, model);
    for (std::size_t tensor = 0; tensor < 4; ++tensor) {
      for (std::size_t i = 0; i < model.F32(tensor).size(); ++i) {
        model.F32(tensor)[i] += fitted.delta.F32(tensor)[i];
      }
    }
  }
  const Fitted two_epochs = Undisturbed();
  const ParameterSet base = Base();
  float largest = 0;
  for (std::size_t i = 0; i < model.F32(0).size(); ++i) {
    const float moved = model.F32(0)[i] - base.F32(0)[i];
    largest = std::max(largest, std::abs(moved - two_epochs.delta.F32(0)[i]));
  }
  EXPECT_GT(largest, 1e-4F) << "rounding alone makes less";
}

TEST_F(BuiltinTrainer, TrainsWhatIsAskedForNotWhatItsJobSays) {
  JobSpec asked = job_;
  asked.train = {.epochs = 3, .batch_size = 25, .learning_rate = 0.01};
  const Fitted fitted = FitOnce(*TrainerOf(job_), kTask, asked.train, Base());
  EXPECT_EQ(fitted.positions.size(), 6U);
  EXPECT_TRUE(SameBits(fitted.delta, FitOnce(*TrainerOf(asked), kTask, asked.train, Base()).delta));
  EXPECT_FALSE(SameBits(fitted.delta, Undisturbed().delta));
}

TEST_F(BuiltinTrainer, APositionBehindTheLastBatchAskedForIsRefused) {
  auto first = TrainerOf(job_);
  FitOnce(*first, kTask, job_.train, Base(), 7);
  TrainSpec shorter = job_.train;
  shorter.epochs = 1;
  EXPECT_EQ(TrainerOf(job_)->Load(first->Save(), {shorter}).error().reason, Reason::file_malformed);
}

TEST_F(BuiltinTrainer, TheDeltasGapsAreZero) {
  auto trainer = TrainerOf(job_);
  ParameterSet delta(trainer->layout());
  std::memset(delta.bytes().data(), 0xff, delta.bytes().size());
  ASSERT_TRUE(trainer->Fit(kTask, {job_.train}, Base(), {}, delta, {}, [](const FitPosition&) {})
                  .has_value());
  for (const ParameterLayout::Entry& entry : trainer->layout().entries()) {
    for (std::uint64_t at = entry.offset_bytes + entry.size_bytes; at % 64 != 0; ++at) {
      ASSERT_EQ(delta.bytes()[at], std::byte{0});
    }
  }
}

TEST_F(BuiltinTrainer, TheWeightIsThePartsSize) {
  EXPECT_EQ(Undisturbed().result.examples, 50U);
  EXPECT_EQ(FitOnce(*TrainerOf(job_, 3), kTask, job_.train, Base()).result.examples, 51U);
}

TEST_F(BuiltinTrainer, TensorsHaveTheirNamesAndShapes) {
  const std::vector<TensorSpec> specs = TrainerOf(job_)->layout().Specs();
  ASSERT_EQ(specs.size(), 4U);
  EXPECT_EQ(specs[0], (TensorSpec{"dense0/kernel", DType::f32, {784, 12}}));
  EXPECT_EQ(specs[1], (TensorSpec{"dense0/bias", DType::f32, {12}}));
  EXPECT_EQ(specs[2], (TensorSpec{"dense1/kernel", DType::f32, {12, 10}}));
  EXPECT_EQ(specs[3], (TensorSpec{"dense1/bias", DType::f32, {10}}));
}

TEST_F(BuiltinTrainer, TheFirstModelIsUniformWithinItsLimitAndDependsOnTheSeed) {
  const ParameterSet model = Base();
  const float limit = std::sqrt(6.0F / (784 + 12));
  double sum = 0;
  float largest = 0;
  for (const float value : model.F32(0)) {
    sum += value;
    largest = std::max(largest, std::abs(value));
  }
  EXPECT_LE(largest, limit);
  EXPECT_GT(largest, 0.99F * limit);
  EXPECT_NEAR(sum / static_cast<double>(model.F32(0).size()), 0.0, 0.03 * limit);
  for (const float value : model.F32(1)) EXPECT_EQ(value, 0.0F);
  JobSpec other = job_;
  other.seed = 8;
  EXPECT_FALSE(SameBits(TrainerOf(other)->InitialParameters(), model));
}

TEST_F(BuiltinTrainer, AModelOfZerosKnowsNothing) {
  auto trainer = TrainerOf(job_);
  const auto evaluation = trainer->Evaluate(ParameterSet(trainer->layout()), {});
  ASSERT_TRUE(evaluation.has_value());
  EXPECT_EQ(evaluation->examples, 100U);
  EXPECT_NEAR(evaluation->loss, std::log(10.0), 1e-12);
  EXPECT_DOUBLE_EQ(evaluation->accuracy, 0.1);
}

TEST_F(BuiltinTrainer, AStoppedEvaluationIsCancelled) {
  std::stop_source source;
  source.request_stop();
  const auto evaluation = TrainerOf(job_)->Evaluate(Base(), source.get_token());
  ASSERT_FALSE(evaluation.has_value());
  EXPECT_EQ(evaluation.error().reason, Reason::cancelled);
}

TEST(CreateTrainer, RefusesAPartThatIsNotThere) {
  const auto trainer = CreateTrainer(SmallJob(), 4, {});
  ASSERT_FALSE(trainer.has_value());
  EXPECT_EQ(trainer.error().reason, Reason::config_invalid);
}

TEST(CreateTrainer, RefusesAnImpossibleJob) {
  JobSpec job = SmallJob();
  job.data.source = DataSource::none;
  EXPECT_EQ(CreateTrainer(job, 0, {}).error().reason, Reason::config_invalid);
}

TEST(CreateTrainer, TrainsOnIdxFiles) {
  const TempDir dir;
  JobSpec job = SmallJob();
  job.data.source = DataSource::idx;
  job.data.train_examples = 0;
  job.data.test_examples = 0;
  EXPECT_EQ(CreateTrainer(job, 0, {dir.path()}).error().reason, Reason::file_unreadable);
  for (const std::string prefix : {"train", "t10k"}) {
    WriteGzip(dir / (prefix + "-images-idx3-ubyte.gz"), IdxImages(40));
    WriteText(dir / (prefix + "-labels-idx1-ubyte"), IdxLabels(40));
  }
  auto trainer = CreateTrainer(job, 0, {dir.path()});
  ASSERT_TRUE(trainer.has_value()) << trainer.error().Text();
  const Fitted fitted = FitOnce(**trainer, {1, 0, 0}, job.train, (*trainer)->InitialParameters());
  EXPECT_EQ(fitted.result.examples, 10U);
  EXPECT_EQ((*trainer)->Evaluate((*trainer)->InitialParameters(), {})->examples, 40U);
}

}  // namespace
}  // namespace muster
