// Bytes that claim to be a safetensors file: an error, or a model whose own header reads back as
// it.
#include "model/safetensors.h"
#include "model/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  const Result<SafetensorsFile> file = ParseSafetensors(bytes);
  if (!file) {
    MUSTER_CHECK(!file.error().message.empty(), "a refusal says why");
    return 0;
  }
  const ParameterLayout& layout = file->parameters.layout();
  const auto header = EncodeSafetensorsHeader(layout, file->metadata);
  MUSTER_CHECK(header.has_value(), "what was read can be written");
  const auto again = DecodeSafetensorsHeader(*header);
  MUSTER_CHECK(again.has_value() && again->layout == layout && again->metadata == file->metadata,
               "what was written reads back");
  MUSTER_CHECK(again->data_bytes <= size, "the data came from the file");
  return 0;
}
