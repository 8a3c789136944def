// One fit of a participant, on files of its own.
#include "participant/runtime/fit.h"

#include <gtest/gtest.h>

#include <memory>

#include "aggregation/fedavg.h"
#include "tests/participant/jobs.h"
#include "tests/support/temp_dir.h"

namespace muster::participant {
namespace {

class KeepsSomething final : public FedAvg {
 public:
  using FedAvg::FedAvg;
  void CompleteUpdate(const LocalResult&, ParameterSet&, Bytes& client) const override {
    client.assign(8, std::byte{1});
  }
};

TEST(FitTest, ClientSideStateOfAJobThatKeepsNoneFailsTheFitAndLeavesNoFile) {
  const TempDir dir;
  const StatePaths paths(dir.path());
  const JobSpec job = SmallJob();
  auto trainer = CreateTrainer(job, 0, {});
  ASSERT_TRUE(trainer) << trainer.error().Text();
  Fit fit;
  fit.id = {1, 1, 0, 0};
  fit.strategy = std::make_shared<KeepsSomething>(job);
  fit.ask = fit.strategy->Ask(1);
  fit.base = std::make_shared<const ParameterSet>((*trainer)->InitialParameters());
  const FitOutcome outcome = RunFit(fit, **trainer, paths);
  const auto* failed = std::get_if<FitFailed>(&outcome.event);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->error.reason, Reason::unsupported);
  EXPECT_FALSE(std::filesystem::exists(paths.client_next));
  EXPECT_FALSE(std::filesystem::exists(paths.update));
}

}  // namespace
}  // namespace muster::participant
