// The dense kernels in Eigen. MUSTER_KERNEL_ENTRY names the one exported function of this build.
#include <Eigen/Core>
#include <cmath>

#include "training/kernel_table.h"

namespace {

using muster::BatchScore;
using muster::DenseShape;
using muster::ExampleBatch;

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix, Eigen::Aligned64>;
using ConstMatrixMap = Eigen::Map<const Matrix, Eigen::Aligned64>;
using RowMap = Eigen::Map<Eigen::RowVectorXf, Eigen::Aligned64>;
using ConstRowMap = Eigen::Map<const Eigen::RowVectorXf, Eigen::Aligned64>;

constexpr std::uint64_t kAlignmentFloats = 64 / sizeof(float);

// Eigen picks its block sizes, and with them the order of its sums, from the sizes of the caches:
// fixed, so that equal CPUs of different machines sum alike.
constexpr std::ptrdiff_t kL1Bytes = 32 << 10;
constexpr std::ptrdiff_t kL2Bytes = 1 << 20;
constexpr std::ptrdiff_t kL3Bytes = 8 << 20;

std::uint64_t AlignedFloats(std::uint64_t rows, std::uint64_t columns) {
  return (rows * columns + kAlignmentFloats - 1) / kAlignmentFloats * kAlignmentFloats;
}

std::uint32_t WidestHidden(const DenseShape& shape) {
  std::uint32_t widest = 0;
  for (std::uint32_t layer = 1; layer <= shape.layer_count; ++layer) {
    widest = std::max(widest, shape.units[layer]);
  }
  return widest;
}

// Hands out the matrices of one call from the caller's workspace: the activations of each layer
// (the inputs are number 0), then two buffers for the errors of two neighbouring layers.
class Workspace {
 public:
  Workspace(const DenseShape& shape, std::uint32_t count, void* memory)
      : shape_(shape), count_(count), memory_(static_cast<float*>(memory)) {}

  static std::uint64_t Bytes(const DenseShape& shape, std::uint32_t count) {
    std::uint64_t floats = 2 * AlignedFloats(count, WidestHidden(shape));
    for (std::uint32_t layer = 0; layer <= shape.layer_count; ++layer) {
      floats += AlignedFloats(count, shape.units[layer]);
    }
    return floats * sizeof(float);
  }

  MatrixMap Activations(std::uint32_t layer) const {
    return MatrixMap(memory_ + ActivationOffset(layer), count_, shape_.units[layer]);
  }

  MatrixMap Errors(std::uint32_t layer) const {
    const std::uint64_t which = layer % 2;
    return MatrixMap(memory_ + ActivationOffset(shape_.layer_count + 1) +
                         which * AlignedFloats(count_, WidestHidden(shape_)),
                     count_, shape_.units[layer]);
  }

 private:
  std::uint64_t ActivationOffset(std::uint32_t layer) const {
    std::uint64_t offset = 0;
    for (std::uint32_t below = 0; below < layer; ++below) {
      offset += AlignedFloats(count_, shape_.units[below]);
    }
    return offset;
  }

  const DenseShape& shape_;
  std::uint32_t count_;
  float* memory_;
};

void ReadImages(const ExampleBatch& batch, MatrixMap inputs) {
  constexpr float kScale = 1.0F / 255.0F;
  const Eigen::Index width = inputs.cols();
  for (std::uint32_t row = 0; row < batch.count; ++row) {
    const std::uint8_t* const from = batch.images[row];
    float* const to = inputs.data() + row * width;
    for (Eigen::Index column = 0; column < width; ++column) {
      to[column] = static_cast<float>(from[column]) * kScale;
    }
  }
}

void Forward(const DenseShape& shape, const float* const* parameters, const Workspace& workspace) {
  for (std::uint32_t layer = 0; layer < shape.layer_count; ++layer) {
    const ConstMatrixMap kernel(parameters[2 * layer], shape.units[layer], shape.units[layer + 1]);
    const ConstRowMap bias(parameters[2 * layer + 1], shape.units[layer + 1]);
    MatrixMap out = workspace.Activations(layer + 1);
    out.rowwise() = bias;
    out.noalias() += workspace.Activations(layer) * kernel;
    if (layer + 1 < shape.layer_count) out = out.cwiseMax(0.0F);
  }
}

BatchScore Score(const MatrixMap& outputs, const std::uint8_t* labels) {
  BatchScore score{0.0, 0};
  for (Eigen::Index row = 0; row < outputs.rows(); ++row) {
    const float* const values = outputs.data() + row * outputs.cols();
    Eigen::Index best = 0;
    for (Eigen::Index column = 1; column < outputs.cols(); ++column) {
      if (values[column] > values[best]) best = column;
    }
    double exponentials = 0.0;
    for (Eigen::Index column = 0; column < outputs.cols(); ++column) {
      exponentials += std::exp(static_cast<double>(values[column]) - values[best]);
    }
    score.loss_sum += std::log(exponentials) + values[best] - values[labels[row]];
    if (best == labels[row]) ++score.correct;
  }
  return score;
}

// The derivative of the cross-entropy by the outputs: softmax(outputs) - onehot(label).
void OutputErrors(const MatrixMap& outputs, const std::uint8_t* labels, MatrixMap errors) {
  errors = outputs;
  errors.colwise() -= outputs.rowwise().maxCoeff();
  errors = errors.array().exp();
  for (Eigen::Index row = 0; row < errors.rows(); ++row) {
    errors.row(row) /= errors.row(row).sum();
    errors(row, labels[row]) -= 1.0F;
  }
}

std::uint64_t WorkspaceBytes(const DenseShape& shape, std::uint32_t count) {
  return Workspace::Bytes(shape, count);
}

BatchScore Evaluate(const DenseShape& shape, const float* const* parameters,
                    const ExampleBatch& batch, void* memory) {
  const Workspace workspace(shape, batch.count, memory);
  ReadImages(batch, workspace.Activations(0));
  Forward(shape, parameters, workspace);
  return Score(workspace.Activations(shape.layer_count), batch.labels);
}

void AddGradient(const DenseShape& shape, const float* const* parameters, const ExampleBatch& batch,
                 float factor, float* const* out, void* memory) {
  const Workspace workspace(shape, batch.count, memory);
  ReadImages(batch, workspace.Activations(0));
  Forward(shape, parameters, workspace);
  OutputErrors(workspace.Activations(shape.layer_count), batch.labels,
               workspace.Errors(shape.layer_count));
  for (std::uint32_t layer = shape.layer_count; layer-- > 0;) {
    const std::uint32_t in = shape.units[layer];
    const std::uint32_t units = shape.units[layer + 1];
    const MatrixMap errors = workspace.Errors(layer + 1);
    const MatrixMap inputs = workspace.Activations(layer);
    // Before `out`, which may be `parameters`, is touched.
    if (layer > 0) {
      const ConstMatrixMap kernel(parameters[2 * layer], in, units);
      MatrixMap below = workspace.Errors(layer);
      below.noalias() = errors * kernel.transpose();
      below = (inputs.array() > 0.0F).select(below, 0.0F);
    }
    MatrixMap(out[2 * layer], in, units).noalias() += (factor * inputs.transpose()) * errors;
    RowMap(out[2 * layer + 1], units) += factor * errors.colwise().sum();
  }
}

// Plain loops: the compiler makes vectors of them, and sqrt is the exact one (Eigen's may not be).
void StepAdamW(const muster::AdamWStep& step, std::uint64_t count, float* __restrict parameters,
               const float* __restrict gradient, float* __restrict first,
               float* __restrict second) {
  for (std::uint64_t i = 0; i < count; ++i) {
    first[i] = step.beta1 * first[i] + step.rest1 * gradient[i];
    second[i] = step.beta2 * second[i] + step.rest2 * gradient[i] * gradient[i];
    const float root = std::sqrt(second[i] * step.second_scale);
    parameters[i] -= step.rate * (first[i] * step.first_scale / (root + step.epsilon) +
                                  step.decay * parameters[i]);
  }
}

}  // namespace

const muster::KernelTable* MUSTER_KERNEL_ENTRY() {
  static const muster::KernelTable table = [] {
    Eigen::setCpuCacheSizes(kL1Bytes, kL2Bytes, kL3Bytes);
    return muster::KernelTable{&WorkspaceBytes, &Evaluate, &AddGradient, &StepAdamW};
  }();
  return &table;
}
