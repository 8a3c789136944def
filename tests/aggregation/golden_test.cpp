// The bits of aggregation, pinned. This file and the sources it tests are compiled several times,
// with different optimisation and instruction sets; all must give these digests, as must every
// compiler. A digest that changes changes the version format: old runs could no longer be replayed.
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "common/digest.h"
#include "tests/aggregation/ring_inputs.h"
#include "tests/support/sanitized.h"

namespace muster {
namespace {

constexpr std::uint64_t kSeed = 20170217;
constexpr RingCapacity kCapacity = {1U << 20, 7};

JobSpec Job(StrategyKind kind, double momentum = 0) {
  JobSpec job;
  job.strategy.kind = kind;
  job.strategy.server_learning_rate = 0.3;
  job.strategy.server_momentum = momentum;
  return job;
}

struct Outcome {
  std::string sums;
  std::string version;
};

/// Two rounds of 7 updates each: digests of the last sums and of the last version. `shuffle`,
/// `threads` and `tile_values` must not matter.
Outcome TwoRounds(const JobSpec& job, std::uint64_t shuffle, std::size_t threads,
                  std::size_t tile_values) {
  const auto strategy = CreateStrategy(job);
  const ParameterLayout model = testing::Layout({{613, 491}, {491}, {}, {4099}});
  KeyedStream draws(kSeed, "golden-model", {});
  ParameterSet version = InitialVersion(*strategy, testing::Filled(model, [&] {
                           return testing::DeltaLikeFloat(draws);
                         })).value();
  VersionManifest manifest = DescribeVersion(version, 4, 0).value();
  RingSum sum(LanesOf(*strategy, model).value(), tile_values);
  ThreadPool pool(threads);
  for (std::uint64_t round = 1; round <= 2; ++round) {
    const auto scales =
        ComputeLaneScales(sum.lanes(), manifest.tensor_max_abs, kCapacity, 0).value();
    EXPECT_TRUE(sum.Reset(scales, kCapacity).has_value());
    std::vector<std::uint64_t> order = {0, 1, 2, 3, 4, 5, 6};
    KeyedStream shuffler(shuffle, "golden-order", {round});
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[shuffler.Below(i)]);
    for (const std::uint64_t slot : order) {
      KeyedStream stream(kSeed, "golden-update", {round, slot});
      const ParameterSet update = testing::Filled(model, [&] {
        return slot == 6 ? testing::AnyFloatBelow(stream, 3) : testing::DeltaLikeFloat(stream);
      });
      const UpdateSource source = testing::SourceOf(update, 1 + stream.Below(1U << 20));
      EXPECT_TRUE(sum.Fold(std::span(&source, 1), pool).has_value());
    }
    ParameterSet next(version.layout());
    manifest = BuildVersion({*strategy, version, sum, round}, pool, next).value().manifest;
    version = std::move(next);
  }
  Sha256 hash;
  for (std::size_t tensor = 0; tensor < 4; ++tensor) hash.Update(std::as_bytes(sum.Tensor(tensor)));
  return {Hex(hash.Finish()), Hex(manifest.digest)};
}

// The second round's sums are equal under both: the server's step moves no exponent here.
constexpr std::string_view kSums =
    "a982d13a37d08385e9869801f565ea4303f98aa7baa33dc972e735775b00e9a0";
constexpr std::string_view kSgdVersion =
    "c13bb618b53e51a616aa127286c3f8fb5fd55573d5a393ae29e6ad574949b22e";
constexpr std::string_view kMomentumVersion =
    "39de49523b76620d46bfc6ca5d72d44f8628baa8700e66a4409e6528b8ae9b3a";

TEST(Golden, ServerSgd) {
  const Outcome outcome = TwoRounds(Job(StrategyKind::fedavg), 0, 1, RingSum::kTileValues);
  EXPECT_EQ(outcome.sums, kSums);
  EXPECT_EQ(outcome.version, kSgdVersion);
}

TEST(Golden, ServerMomentum) {
  const Outcome outcome = TwoRounds(Job(StrategyKind::fedavg, 0.9), 0, 1, RingSum::kTileValues);
  EXPECT_EQ(outcome.sums, kSums);
  EXPECT_EQ(outcome.version, kMomentumVersion);
}

TEST(Golden, ServerOptimizers) {
  struct Row {
    JobSpec job;
    std::string_view version;
  };
  const Row rows[] = {
      {Job(StrategyKind::nesterov, 0.9),
       "0435754a0807c3bece74e861fd96d9f05e6787324b957e1032609f063ff75544"},
      {Job(StrategyKind::fedadagrad),
       "20ab584efba03784c9b330b715c8fb22fcf1757777f73c4d6d89d57054a1a68b"},
      {Job(StrategyKind::fedadam),
       "5c353ec00535cbb1889674b393e06d0891cfd1fe0be7eaa13f9c724fd19be7c4"},
      {Job(StrategyKind::fedyogi),
       "f6427dc6faa2c59d339bb3c3c5c3e1a2345ef66e99280ca4b0fe781a16e1a7dc"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(TwoRounds(row.job, 0, 1, RingSum::kTileValues).version, row.version)
        << CreateStrategy(row.job)->name();
  }
}

TEST(Golden, NoOrderThreadOrTileChangesADigest) {
  std::uint64_t shuffle = 1;
  for (std::size_t threads = UnlessSanitized(1, 8); threads <= 8; threads *= 2) {
    for (const std::size_t tile_values : {4096 + 16, 100'000 - 100'000 % 16}) {
      const JobSpec job = Job(StrategyKind::fedavg, 0.9);
      const Outcome outcome = TwoRounds(job, shuffle++, threads, tile_values);
      EXPECT_EQ(outcome.sums, kSums) << threads << " threads, tile " << tile_values;
      EXPECT_EQ(outcome.version, kMomentumVersion) << threads << " threads, tile " << tile_values;
    }
  }
}

}  // namespace
}  // namespace muster
