#include "aggregation/scaffold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "common/digest.h"
#include "common/thread_pool.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

JobSpec ScaffoldJob() {
  JobSpec job;
  job.strategy.kind = StrategyKind::scaffold;
  job.strategy.server_learning_rate = 2;
  job.train.learning_rate = 0.25;
  job.data.parts = 4;
  return job;
}

Bytes BytesOfControl(float value) {
  Bytes bytes(64);
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

float ControlOf(const Bytes& client) {
  float value = 0;
  if (!client.empty()) std::memcpy(&value, client.data(), sizeof(value));
  return value;
}

/// The update of a fit of two steps that moved a model of one value by `delta`; `client` becomes
/// the new client-side state.
ParameterSet ScaffoldUpdate(const Strategy& strategy, const ParameterSet& parent, float delta,
                            Bytes& client) {
  ParameterSet base(DownloadLayout(strategy, testing::Layout({{1}})).value());
  EXPECT_EQ(base.layout(), parent.layout()) << "c is downloaded with the model";
  std::ranges::copy(parent.bytes(), base.bytes().begin());
  ParameterSet update(LanesOf(strategy, testing::Layout({{1}})).value().layout());
  update.F32(0)[0] = delta;
  const Bytes own = client;
  strategy.CompleteUpdate({.steps = 2, .base = base, .client = own}, update, client);
  return update;
}

// Algorithm 1 with option II by hand, one round of two of N = 4 clients: x = 1, c = 0.5, local rate
// 0.25, K = 2 steps (K * rate = 0.5), server's rate 2.
//   client 1, c_1 = 0.25, moved by -0.5:  c_1' = 0.25 - 0.5 + 0.5 / 0.5 = 0.75, change 0.5
//   client 2, c_2 = 0,    moved by 0.25:  c_2' = 0 - 0.5 - 0.25 / 0.5   = -1,   change -1
//   server: x' = 1 + 2 * (-0.5 + 0.25) / 2 = 0.75; c' = 0.5 + (2 / 4) * (0.5 - 1) / 2 = 0.375
TEST(Scaffold, OneRoundOfTwoClientsByHand) {
  const auto strategy = CreateStrategy(ScaffoldJob());
  ParameterSet model(testing::Layout({{1}}));
  model.F32(0)[0] = 1;
  ParameterSet parent = InitialVersion(*strategy, model).value();
  EXPECT_EQ(parent.layout().entries()[1].spec.name, "server/control/layer0");
  parent.F32(1)[0] = 0.5F;
  Bytes clients[] = {BytesOfControl(0.25F), {}};
  const ParameterSet updates[] = {ScaffoldUpdate(*strategy, parent, -0.5F, clients[0]),
                                  ScaffoldUpdate(*strategy, parent, 0.25F, clients[1])};
  EXPECT_EQ(clients[0], BytesOfControl(0.75F));
  EXPECT_EQ(clients[1], BytesOfControl(-1));
  EXPECT_EQ(updates[0].F32(1)[0], 0.5F);
  EXPECT_EQ(updates[1].F32(1)[0], -1);

  RingSum sum(LanesOf(*strategy, model.layout()).value());
  constexpr RingCapacity kScaffoldCapacity = {1U << 20, 2};
  const float magnitude = 1;
  const auto scales = ComputeLaneScales(sum.lanes(), {&magnitude, 1}, kScaffoldCapacity, 0).value();
  ASSERT_TRUE(sum.Reset(scales, kScaffoldCapacity).has_value());
  ThreadPool pool(1);
  // The paper weighs no client: other weights change nothing.
  const UpdateSource sources[] = {testing::SourceOf(updates[0], 30),
                                  testing::SourceOf(updates[1], 10)};
  ASSERT_TRUE(sum.Fold(sources, pool).has_value());
  ParameterSet next(parent.layout());
  const auto built = BuildVersion({*strategy, parent, sum, 1}, pool, next);
  ASSERT_TRUE(built.has_value());
  EXPECT_EQ(next.F32(0)[0], 0.75F);
  EXPECT_EQ(next.F32(1)[0], 0.375F);
  EXPECT_EQ(built->model_digest, Xxh128Of(std::as_const(next).bytes()))
      << "of all that is downloaded";
}

// Of all N clients' control variates the server's is the mean from the start, and stays it: whoever
// takes part moves it by its own change over N. Numbers whose sums are exact.
TEST(Scaffold, TheServersControlVariateStaysTheMeanOfAllClients) {
  const auto strategy = CreateStrategy(ScaffoldJob());
  ParameterSet parent = InitialVersion(*strategy, ParameterSet(testing::Layout({{1}}))).value();
  Bytes clients[4];
  const std::vector<std::vector<std::size_t>> cohorts = {{0, 1, 2, 3}, {2}, {0, 3}, {1, 2, 3}};
  Round round = 0;
  for (const std::vector<std::size_t>& cohort : cohorts) {
    ++round;
    RingSum sum(LanesOf(*strategy, testing::Layout({{1}})).value());
    const RingCapacity capacity = {1U << 20, 4};
    const float magnitude = 1;
    ASSERT_TRUE(
        sum.Reset(ComputeLaneScales(sum.lanes(), {&magnitude, 1}, capacity, 0).value(), capacity));
    ThreadPool pool(1);
    for (const std::size_t client : cohort) {
      const float delta = (static_cast<float>(client) - 1.25F) / static_cast<float>(1U << round);
      const ParameterSet update = ScaffoldUpdate(*strategy, parent, delta, clients[client]);
      const UpdateSource source = testing::SourceOf(update, 1);
      ASSERT_TRUE(sum.Fold({&source, 1}, pool));
    }
    ParameterSet next(parent.layout());
    ASSERT_TRUE(BuildVersion({*strategy, parent, sum, round}, pool, next));
    parent = std::move(next);
    float mean = 0;
    for (const Bytes& client : clients) mean += ControlOf(client) / 4;
    EXPECT_EQ(parent.F32(1)[0], mean) << "round " << round;
    EXPECT_NE(mean, 0);
  }
}

TEST(Scaffold, AsksForControlledSteps) {
  EXPECT_TRUE(CreateStrategy(ScaffoldJob())->Ask(1).control_variates);
}

}  // namespace
}  // namespace muster
