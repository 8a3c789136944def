// The bits of strategies that sum several lanes, pinned as those of one in golden_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

/// Two rounds of 5 updates, each folded in an order of its own: the digest of the last version.
std::string LanesVersion(StrategyKind kind, std::uint64_t shuffle, std::size_t threads,
                         std::size_t tile_values) {
  constexpr std::uint64_t kLanesSeed = 20200716;
  constexpr RingCapacity kLanesCapacity = {1U << 20, 5};
  JobSpec job;
  job.strategy.kind = kind;
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
    const auto scales =
        ComputeLaneScales(lanes, manifest.tensor_max_abs, kLanesCapacity, 0).value();
    EXPECT_TRUE(sum.Reset(scales, kLanesCapacity).has_value());
    for (std::uint64_t i = 0; i < 5; ++i) {
      const std::uint64_t slot = (i * (1 + shuffle % 4) + shuffle) % 5;
      KeyedStream stream(kLanesSeed, "golden-update", {round, slot});
      const ParameterSet update =
          testing::Filled(lanes.layout(), [&] { return testing::DeltaLikeFloat(stream); });
      const UpdateSource source = testing::SourceOf(update, 1 + stream.Below(1U << 20));
      EXPECT_TRUE(sum.Fold(std::span(&source, 1), pool).has_value());
    }
    ParameterSet next(version.layout());
    manifest = BuildVersion({*strategy, version, sum, round}, pool, next).value().manifest;
    version = std::move(next);
  }
  return Hex(manifest.digest);
}

/// Whatever order, threads and tiles.
void ExpectLanesVersion(StrategyKind kind, std::string_view digest) {
  EXPECT_EQ(LanesVersion(kind, 0, 1, RingSum::kTileValues), digest);
  EXPECT_EQ(LanesVersion(kind, 3, 2, 4096 + 16), digest);
}

TEST(GoldenLanes, FedNova) {
  ExpectLanesVersion(StrategyKind::fednova,
                     "8e69915917ea44080da77e695d85d5685567b60a90b5e7b67abe2b3de0f1ad02");
}

TEST(GoldenLanes, Scaffold) {
  ExpectLanesVersion(StrategyKind::scaffold,
                     "bc3078574efa95f6a8fe819b0c30b7fe2cb8e5c05862933a30176ed6023a583e");
}

}  // namespace
}  // namespace muster
