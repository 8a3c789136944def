#include "participant/runtime/model_buffer.h"

#include <algorithm>
#include <string>

namespace muster::participant {

Status ModelBuffer::Open(const ParameterLayout& layout, Version version, std::uint64_t bytes) {
  if (bytes != layout.total_bytes()) {
    return Error{Reason::size_mismatch, "the coordinator's model has " + std::to_string(bytes) +
                                            " bytes, this trainer's " +
                                            std::to_string(layout.total_bytes())};
  }
  // A fit may still read the one before. Every byte is written before the whole is handed out.
  const bool free = model_ != nullptr && model_.use_count() == 1 && model_->layout() == layout;
  if (!free) model_ = std::make_shared<ParameterSet>(layout);
  digest_ = std::make_unique<Xxh128>();
  version_ = version;
  stored_ = 0;
  return {};
}

Status ModelBuffer::Store(const ModelChunk& chunk, ByteSpan payload) {
  if (model_ == nullptr || chunk.version != version_ || chunk.offset != stored_) {
    return Error{Reason::wrong_offset, "a model chunk does not continue the download"};
  }
  if (payload.size() != chunk.bytes || payload.size() > model_->bytes().size() - stored_) {
    return Error{Reason::size_mismatch, "a model chunk has another size than it says"};
  }
  if (Xxh64Of(payload) != chunk.checksum) {
    return Error{Reason::checksum_mismatch, "a model chunk's checksum does not match its bytes"};
  }
  std::copy(
      payload.begin(), payload.end(),
      static_cast<ParameterSet&>(*model_).bytes().begin() + static_cast<std::ptrdiff_t>(stored_));
  digest_->Update(payload);
  stored_ += payload.size();
  return {};
}

std::optional<Xxh128Digest> ModelBuffer::Finished() const {
  if (model_ == nullptr || stored_ != model_->layout().total_bytes()) return std::nullopt;
  return digest_->Digest();
}

}  // namespace muster::participant
