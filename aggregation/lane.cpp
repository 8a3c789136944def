#include "aggregation/lane.h"

namespace muster {

Status CheckLaneLayout(const ParameterLayout& layout) {
  for (const ParameterLayout::Entry& entry : layout.entries()) {
    if (entry.spec.dtype != DType::f32) {
      return Error{Reason::unsupported, "tensor " + entry.spec.name + " is " +
                                            std::string(DTypeName(entry.spec.dtype)) +
                                            "; only f32 tensors can be averaged"};
    }
  }
  return {};
}

}  // namespace muster
