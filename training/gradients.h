// Gradients of batches of any size, at one set of parameters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "model/parameter_set.h"
#include "training/batches.h"
#include "training/dense_model.h"
#include "training/kernel_table.h"

namespace muster {

/// The kernels that do it; they outlive what is made with them.
struct StepKernels {
  const KernelTable& table;
  DenseShape shape;
};

/// Not thread-safe. Batches of up to `batch_size` examples; `parameters` must outlive it, and each
/// call takes them as they stand.
class Gradients {
 public:
  Gradients(const StepKernels& kernels, std::uint64_t batch_size, const ParameterSet& parameters)
      : kernels_(kernels),
        parameters_(TensorPointers(parameters)),
        workspace_(kernels.table.workspace_bytes(
            kernels.shape,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(batch_size, kPieceExamplesMax)))) {}

  /// out += factor * (gradient summed over the batch). Where `out` is the parameters themselves the
  /// batch must be one piece.
  void Add(const ExampleSet& examples, std::span<const std::uint32_t> batch, float factor,
           const std::vector<float*>& out) {
    for (std::size_t begin = 0; begin < batch.size(); begin += kPieceExamplesMax) {
      const std::size_t size = std::min<std::size_t>(kPieceExamplesMax, batch.size() - begin);
      kernels_.table.add_gradient(kernels_.shape, parameters_.data(),
                                  piece_.Gather(examples, batch.subspan(begin, size)), factor,
                                  out.data(), workspace_.get());
    }
  }

 private:
  const StepKernels kernels_;
  std::vector<const float*> parameters_;
  AlignedMemory workspace_;
  Piece piece_;
};

}  // namespace muster
