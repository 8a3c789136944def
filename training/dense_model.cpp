#include "training/dense_model.h"

#include <cmath>
#include <string>

#include "common/random.h"

namespace muster {

std::vector<std::uint32_t> LayerUnits(const ModelSpec& model) {
  MUSTER_CHECK(model.kind == ModelKind::softmax || model.kind == ModelKind::mlp,
               "only softmax and mlp are made of dense layers");
  std::vector<std::uint32_t> units = {kImageBytes};
  if (model.kind == ModelKind::mlp) {
    units.insert(units.end(), model.hidden.begin(), model.hidden.end());
  }
  units.push_back(kClassCount);
  return units;
}

Result<ParameterLayout> DenseLayout(const std::vector<std::uint32_t>& units) {
  std::vector<TensorSpec> specs;
  for (std::size_t layer = 0; layer + 1 < units.size(); ++layer) {
    const std::string name = "dense" + std::to_string(layer);
    specs.push_back({name + "/kernel", DType::f32, {units[layer], units[layer + 1]}});
    specs.push_back({name + "/bias", DType::f32, {units[layer + 1]}});
  }
  return ParameterLayout::Create(std::move(specs));
}

ParameterSet InitialDenseParameters(const ParameterLayout& layout, std::uint64_t seed) {
  ParameterSet parameters(layout);
  for (std::size_t index = 0; index < layout.entries().size(); index += 2) {
    const std::vector<std::uint64_t>& shape = layout.entries()[index].spec.shape;
    const auto limit =
        static_cast<float>(std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1])));
    KeyedStream stream(seed, "initial", {index});
    for (float& value : parameters.F32(index)) value = stream.Uniform(-limit, limit);
  }
  return parameters;
}

std::vector<const float*> TensorPointers(const ParameterSet& parameters) {
  std::vector<const float*> pointers;
  for (std::size_t index = 0; index < parameters.layout().entries().size(); ++index) {
    pointers.push_back(parameters.F32(index).data());
  }
  return pointers;
}

std::vector<float*> TensorPointers(ParameterSet& parameters) {
  std::vector<float*> pointers;
  for (std::size_t index = 0; index < parameters.layout().entries().size(); ++index) {
    pointers.push_back(parameters.F32(index).data());
  }
  return pointers;
}

}  // namespace muster
