// Softmax regression and the multilayer perceptron as tensors of a ParameterSet.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "model/job.h"
#include "model/parameter_set.h"
#include "training/examples.h"
#include "training/kernel_table.h"

namespace muster {

/// Units of each layer from the pixels to the classes. McMahan 2017's 2NN is {784, 200, 200, 10}.
/// REQUIRES: model.kind is softmax or mlp.
std::vector<std::uint32_t> LayerUnits(const ModelSpec& model);

/// "dense0/kernel" [in, out], "dense0/bias" [out], "dense1/kernel", ... all f32.
/// Errors: those of ParameterLayout::Create.
Result<ParameterLayout> DenseLayout(const std::vector<std::uint32_t>& units);

/// Version 0. Kernels are uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio 2010, formula 16)
/// from the stream (seed, "initial", tensor index); biases are zero. No libm but sqrt.
ParameterSet InitialDenseParameters(const ParameterLayout& layout, std::uint64_t seed);

/// The tensors' addresses in the order that kernels take them. They stay valid while `parameters`
/// lives and is not assigned to; moving it keeps them.
std::vector<const float*> TensorPointers(const ParameterSet& parameters);
std::vector<float*> TensorPointers(ParameterSet& parameters);

}  // namespace muster
