#include "coordinator/runtime/model_chunks.h"

#include <utility>

#include "common/digest.h"

namespace muster::coordinator {
void ModelChunks::SetHead(Version version, std::shared_ptr<const ParameterSet> contents) {
  version_ = version;
  contents_ = std::move(contents);
  made_.clear();
  held_.clear();
  held_bytes_ = 0;
}

ModelChunks::Chunk ModelChunks::Get(Version version, std::uint64_t offset, std::uint32_t bytes) {
  MUSTER_CHECK(contents_ != nullptr && version == version_,
               "model bytes of a version that is not head");
  const ByteSpan all = std::as_const(*contents_).bytes();
  MUSTER_CHECK(offset <= all.size() && bytes <= all.size() - offset,
               "model bytes beyond the model");
  const ByteSpan span = all.subspan(offset, bytes);
  const auto [made, fresh] = made_.try_emplace(offset);
  if (fresh) made->second.checksum = Xxh64Of(span);
  return {{version, offset, bytes, made->second.checksum},
          {contents_, span, SealOf(made->second, bytes)}};
}

std::shared_ptr<SharedSeal> ModelChunks::SealOf(Made& made, std::uint64_t bytes) {
  if (auto known = made.seal.lock()) return known;
  auto seal = std::make_shared<SharedSeal>();
  made.seal = seal;
  held_.push_back({seal, bytes});
  held_bytes_ += bytes;
  while (held_bytes_ > kHeldBytesMax) {
    held_bytes_ -= held_.front().bytes;
    held_.pop_front();
  }
  return seal;
}

}  // namespace muster::coordinator
