// The bits of strategies that sum several lanes, pinned as those of one in golden_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "model/staleness.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

/// Two rounds of 5 updates, each folded in an order of its own, in async stale by different
/// factors: the digest of the last version.
std::string LanesVersion(const JobSpec& of, std::uint64_t shuffle, std::size_t threads,
                         std::size_t tile_values) {
  constexpr std::uint64_t kLanesSeed = 20200716;
  JobSpec job = of;
  const std::uint32_t full_factor = FullFactor(job);
  const RingCapacity capacity = {WeightInSumMax(job), 5};
  job.strategy.server_learning_rate = 0.3;
  job.data.parts = 7;
  const auto strategy = CreateStrategy(job);
  const ParameterLayout model = testing::Layout({{313, 191}, {191}, {}, {4099}});
  KeyedStream draws(kLanesSeed, "golden-model", {});
  const auto draw = [&] { return testing::DeltaLikeFloat(draws); };
  ParameterSet version = InitialVersion(*strategy, testing::Filled(model, draw)).value();
  VersionManifest manifest = DescribeVersion(version, 4, 0).value();
  const LaneSet lanes = LanesOf(*strategy, model).value();
  RingSum sum(lanes, tile_values);
  ThreadPool pool(threads);
  for (std::uint64_t round = 1; round <= 2; ++round) {
    const auto scales = ComputeLaneScales(lanes, manifest.tensor_max_abs, capacity, 0).value();
    EXPECT_TRUE(sum.Reset(scales, capacity).has_value());
    for (std::uint64_t i = 0; i < 5; ++i) {
      const std::uint64_t slot = (i * (1 + shuffle % 4) + shuffle) % 5;
      KeyedStream stream(kLanesSeed, "golden-update", {round, slot});
      const ParameterSet update =
          testing::Filled(lanes.layout(), [&] { return testing::DeltaLikeFloat(stream); });
      UpdateSource source = testing::SourceOf(update, 1 + stream.Below(1U << 20));
      source.factor = full_factor == 1 ? 1 : full_factor - 100 * static_cast<std::uint32_t>(slot);
      EXPECT_TRUE(sum.Fold(std::span(&source, 1), pool).has_value());
    }
    ParameterSet next(version.layout());
    manifest =
        BuildVersion({*strategy, version, sum, round, full_factor}, pool, next).value().manifest;
    version = std::move(next);
  }
  return Hex(manifest.digest);
}

/// Whatever order, threads and tiles.
void ExpectLanesVersion(StrategyKind kind, std::string_view digest, Mode mode = Mode::fedavg) {
  JobSpec job;
  job.strategy.kind = kind;
  job.round.mode = mode;
  EXPECT_EQ(LanesVersion(job, 0, 1, RingSum::kTileValues), digest);
  EXPECT_EQ(LanesVersion(job, 3, 2, 4096 + 16), digest);
}

TEST(GoldenLanes, FedNova) {
  ExpectLanesVersion(StrategyKind::fednova,
                     "8e69915917ea44080da77e695d85d5685567b60a90b5e7b67abe2b3de0f1ad02");
}

TEST(GoldenLanes, StaleFedNova) {
  ExpectLanesVersion(StrategyKind::fednova,
                     "f052f6909e946da1725c130c9cd1c4fb1a470ee02f5d71fd70db8d883c3a0b25",
                     Mode::async);
}

TEST(GoldenLanes, Scaffold) {
  ExpectLanesVersion(StrategyKind::scaffold,
                     "bc3078574efa95f6a8fe819b0c30b7fe2cb8e5c05862933a30176ed6023a583e");
}

}  // namespace
}  // namespace muster
