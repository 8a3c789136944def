// The seam to the Eigen kernels. They are compiled once per instruction set, each into a shared
// library of its own that exports one function: two -march builds of one inline function in one
// program would break the one-definition rule. So only plain pointers and sizes cross this line.
#pragma once

#include <cstdint>

namespace muster {

/// A chain of dense layers with ReLU between them and softmax cross-entropy at the end. No hidden
/// layer makes it softmax regression.
struct DenseShape {
  std::uint32_t layer_count;
  const std::uint32_t* units;  ///< layer_count + 1 numbers: inputs, hidden units, classes.
};

/// Examples as rows of bytes; a kernel reads byte v as v / 255.
struct ExampleBatch {
  const std::uint8_t* const* images;  ///< `count` rows of units[0] bytes.
  const std::uint8_t* labels;         ///< `count` classes below units[layer_count].
  std::uint32_t count;
};

struct BatchScore {
  double loss_sum;        ///< Cross-entropy in nats.
  std::uint64_t correct;  ///< The highest output is the label's; the lowest class wins a tie.
};

/// The numbers of one step of AdamW (training/local_steps.h).
struct AdamWStep {
  float rate = 0;
  float beta1 = 0;
  float beta2 = 0;
  float rest1 = 1;         ///< 1 - beta1, of which float32 arithmetic would lose digits
  float rest2 = 1;         ///< 1 - beta2
  float first_scale = 1;   ///< 1 / (1 - beta1^t)
  float second_scale = 1;  ///< 1 / (1 - beta2^t)
  float epsilon = 0;
  float decay = 0;
};

/// Parameters are given as 2 * layer_count pointers: kernel 0 (row-major [in, out]), bias 0 [out],
/// kernel 1, ... Each of them and the workspace start on 64 bytes: bits depend on alignment.
/// All functions are thread-safe for different workspaces and run in the calling thread. They
/// cannot fail; without memory the process ends.
struct KernelTable {
  /// Bytes that the other functions need as `workspace` for a batch of up to `count`.
  std::uint64_t (*workspace_bytes)(const DenseShape& shape, std::uint32_t count);

  /// Scores a batch.
  BatchScore (*evaluate)(const DenseShape& shape, const float* const* parameters,
                         const ExampleBatch& batch, void* workspace);

  /// out += factor * (gradient of the loss summed over the batch). `out` may be `parameters`
  /// itself: the gradient is that of the values at the call.
  void (*add_gradient)(const DenseShape& shape, const float* const* parameters,
                       const ExampleBatch& batch, float factor, float* const* out, void* workspace);

  /// Moves `count` parameters and both of their moments by one step.
  void (*adamw)(const AdamWStep& step, std::uint64_t count, float* parameters,
                const float* gradient, float* first, float* second);
};

}  // namespace muster

#define MUSTER_KERNEL_EXPORT __attribute__((visibility("default")))

extern "C" {
MUSTER_KERNEL_EXPORT const muster::KernelTable* MusterKernelsBaseline();
MUSTER_KERNEL_EXPORT const muster::KernelTable* MusterKernelsX86V3();
}
