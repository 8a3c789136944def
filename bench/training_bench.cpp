// Examples per second of one core: SGD steps of the dense kernels, and scoring.
#include <benchmark/benchmark.h>

#include <memory>
#include <new>
#include <vector>

#include "common/random.h"
#include "training/dense_model.h"
#include "training/kernels.h"

namespace muster {
namespace {

struct Batch {
  Batch(const DenseShape& shape, std::uint32_t count, const KernelTable& kernels)
      : pixels(std::size_t{count} * kImageBytes), labels(count) {
    KeyedStream stream(1, "bench", {});
    // Like digits: four pixels of five are blank.
    for (std::uint8_t& pixel : pixels) {
      pixel = stream.Below(5) == 0 ? static_cast<std::uint8_t>(stream.Below(256)) : 0;
    }
    for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(stream.Below(kClassCount));
    for (std::uint32_t i = 0; i < count; ++i) {
      images.push_back(pixels.data() + std::size_t{i} * kImageBytes);
    }
    const auto bytes = static_cast<std::size_t>(kernels.workspace_bytes(shape, count));
    workspace.reset(static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)));
  }
  ExampleBatch View() const {
    return {images.data(), labels.data(), static_cast<std::uint32_t>(labels.size())};
  }

  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;
  std::vector<const std::uint8_t*> images;
  std::unique_ptr<std::byte, Free> workspace;
};

ModelSpec ModelOf(std::int64_t kind) {
  ModelSpec model;
  model.kind = kind == 1 ? ModelKind::softmax : ModelKind::mlp;
  return model;
}

void SgdStep(benchmark::State& state) {
  const auto set = static_cast<InstructionSet>(state.range(0));
  if (!IsSupported(set)) return state.SkipWithError("this CPU lacks the instructions");
  const std::vector<std::uint32_t> units = LayerUnits(ModelOf(state.range(1)));
  const DenseShape shape{static_cast<std::uint32_t>(units.size() - 1), units.data()};
  ParameterSet parameters = InitialDenseParameters(*DenseLayout(units), 1);
  const std::vector<float*> out = TensorPointers(parameters);
  const KernelTable& kernels = Kernels(set);
  const Batch batch(shape, static_cast<std::uint32_t>(state.range(2)), kernels);
  for (auto step : state) {
    kernels.add_gradient(shape, out.data(), batch.View(), -1e-4F, out.data(),
                         batch.workspace.get());
  }
  state.SetItemsProcessed(state.iterations() * state.range(2));
  state.SetLabel(std::string(InstructionSetName(set)));
}
BENCHMARK(SgdStep)->ArgNames({"set", "model", "batch"})->ArgsProduct({{0, 1}, {1, 2}, {10, 100}});

void Score(benchmark::State& state) {
  const auto set = static_cast<InstructionSet>(state.range(0));
  if (!IsSupported(set)) return state.SkipWithError("this CPU lacks the instructions");
  const std::vector<std::uint32_t> units = LayerUnits(ModelOf(2));
  const DenseShape shape{static_cast<std::uint32_t>(units.size() - 1), units.data()};
  const ParameterSet parameters = InitialDenseParameters(*DenseLayout(units), 1);
  const std::vector<const float*> pointers = TensorPointers(parameters);
  const KernelTable& kernels = Kernels(set);
  const Batch batch(shape, 256, kernels);
  for (auto step : state) {
    benchmark::DoNotOptimize(
        kernels.evaluate(shape, pointers.data(), batch.View(), batch.workspace.get()).loss_sum);
  }
  state.SetItemsProcessed(state.iterations() * 256);
  state.SetLabel(std::string(InstructionSetName(set)));
}
BENCHMARK(Score)->ArgNames({"set"})->Arg(0)->Arg(1);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
