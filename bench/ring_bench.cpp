// What folding, checking and building cost, beside the memory bandwidth of the same machine in the
// same run. Sizes are far beyond the caches unless the name says otherwise.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "aggregation/ring.h"
#include "aggregation/ring_sum.h"
#include "aggregation/update_checker.h"
#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "common/error.h"
#include "common/limits.h"

namespace muster {
namespace {

constexpr std::uint64_t kParameters = 32ULL << 20;  // 128 MiB of float32.
constexpr std::size_t kUpdates = 4;
constexpr RingCapacity kCapacity = {1U << 20, 100};

ParameterLayout Layout() {
  auto layout = ParameterLayout::Create({{"w", DType::f32, {kParameters / 4096, 4096}}});
  MUSTER_CHECK(layout.has_value(), "the layout");
  return *layout;
}

ParameterSet Values() {
  ParameterSet set(Layout());
  float value = -1.0F;
  for (float& element : set.F32(0)) {
    element = value;
    value = value > 0.99F ? -1.0F : value + 0.001F;
  }
  return set;
}

UpdateSource SourceOf(const ParameterSet& update) {
  return {[&update](std::uint64_t offset, MutableByteSpan bytes) {
            std::memcpy(bytes.data(), update.bytes().data() + offset, bytes.size());
            return Status();
          },
          600};
}

RingSum NewSum() {
  auto lanes = LanesOf(*CreateStrategy(JobSpec()), Layout());
  MUSTER_CHECK(lanes.has_value(), "the lanes");
  RingSum sum(std::move(*lanes));
  const float magnitude = 1.0F;
  const auto scales = ComputeScales(Layout(), std::span(&magnitude, 1), kCapacity, 0);
  MUSTER_CHECK(scales.has_value() && sum.Reset(*scales, kCapacity).has_value(), "the scales");
  return sum;
}

void CountParameters(benchmark::State& state, std::uint64_t parameters) {
  const auto total = static_cast<std::int64_t>(parameters) * state.iterations();
  state.SetItemsProcessed(total);
  state.SetBytesProcessed(total * static_cast<std::int64_t>(sizeof(float)));
}

void MemoryCopy(benchmark::State& state) {
  const ParameterSet from = Values();
  ParameterSet to(Layout());
  for (auto _ : state) {
    std::memcpy(to.bytes().data(), from.bytes().data(), from.bytes().size());
    benchmark::ClobberMemory();
  }
  CountParameters(state, kParameters);
}
BENCHMARK(MemoryCopy)->UseRealTime();

void MemoryRead(benchmark::State& state) {
  const ParameterSet from = Values();
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < from.bytes().size(); i += 8) {
      sum += LoadLittle<std::uint64_t>(from.bytes(), i);
    }
    benchmark::DoNotOptimize(sum);
  }
  CountParameters(state, kParameters);
}
BENCHMARK(MemoryRead)->UseRealTime();

// The kernel alone, one core, tile and sums in the cache.
void FoldTileInCache(benchmark::State& state) {
  std::vector<float> values(RingSum::kTileValues, 0.25F);
  std::vector<std::uint64_t> sums(values.size());
  const TensorScale scale = {.bound_log2 = 3, .scale_log2 = 28};
  for (auto _ : state) {
    benchmark::DoNotOptimize(FoldTile(values, scale, 600, sums));
    benchmark::ClobberMemory();
  }
  CountParameters(state, values.size());
}
BENCHMARK(FoldTileInCache);

// Threads, updates folded together.
void Fold(benchmark::State& state) {
  const ParameterSet update = Values();
  const std::vector<UpdateSource> sources(static_cast<std::size_t>(state.range(1)),
                                          SourceOf(update));
  ThreadPool pool(static_cast<std::size_t>(state.range(0)));
  RingSum sum = NewSum();
  const std::vector<TensorScale> scales(sum.scales().begin(), sum.scales().end());
  for (auto _ : state) {
    state.PauseTiming();
    MUSTER_CHECK(sum.Reset(scales, kCapacity).has_value(), "the scales");
    state.ResumeTiming();
    MUSTER_CHECK(sum.Fold(sources, pool).has_value(), "the fold");
  }
  CountParameters(state, kParameters * sources.size());
}
BENCHMARK(Fold)
    ->ArgNames({"threads", "updates"})
    ->Args({1, 1})
    ->Args({2, 1})
    ->Args({1, kUpdates})
    ->Args({2, kUpdates})
    ->UseRealTime();

void CheckUpdate(benchmark::State& state) {
  const ParameterSet update = Values();
  for (auto _ : state) {
    auto checker = UpdateChecker::Create(Layout());
    for (ByteSpan rest = update.bytes(); !rest.empty();) {
      const ByteSpan chunk = rest.first(std::min(rest.size(), limits::kTransferChunkBytes));
      MUSTER_CHECK(checker->Add(chunk).has_value(), "the update");
      rest = rest.subspan(chunk.size());
    }
    benchmark::DoNotOptimize(checker->Summary());
  }
  CountParameters(state, kParameters);
}
BENCHMARK(CheckUpdate)->UseRealTime();

// Threads, and momentum in tenths. Both digests included.
void Build(benchmark::State& state) {
  JobSpec job;
  job.strategy.server_momentum = static_cast<double>(state.range(1)) / 10;
  const auto strategy = CreateStrategy(job);
  const auto parent = InitialVersion(*strategy, Values());
  const ParameterSet update = Values();
  ParameterSet next(parent->layout());
  ThreadPool pool(static_cast<std::size_t>(state.range(0)));
  RingSum sum = NewSum();
  const UpdateSource source = SourceOf(update);
  MUSTER_CHECK(sum.Fold(std::span(&source, 1), pool).has_value(), "the fold");
  for (auto _ : state) {
    const auto built = BuildVersion({*strategy, *parent, sum, 1}, pool, next);
    MUSTER_CHECK(built.has_value(), "the build");
  }
  CountParameters(state, kParameters);
}
BENCHMARK(Build)
    ->ArgNames({"threads", "momentum10"})
    ->Args({1, 0})
    ->Args({2, 0})
    ->Args({2, 9})
    ->UseRealTime();

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
