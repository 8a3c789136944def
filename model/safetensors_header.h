// The JSON header of a safetensors file, to and from a ParameterLayout. For safetensors.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "model/parameter_set.h"
#include "model/safetensors.h"

namespace muster {

struct SafetensorsHeader {
  ParameterLayout layout;
  SafetensorsMetadata metadata;
  std::uint64_t data_bytes = 0;  ///< Of all tensors, without gaps.
};

/// The JSON text, filled with spaces so that the data behind it starts at a multiple of 8.
/// Errors: config_invalid, too_large.
Result<std::string> EncodeSafetensorsHeader(const ParameterLayout& layout,
                                            const SafetensorsMetadata& metadata);

/// Errors: file_malformed, too_large, unsupported; see ParseSafetensors.
Result<SafetensorsHeader> DecodeSafetensorsHeader(std::string_view json);

}  // namespace muster
