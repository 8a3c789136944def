// The model being downloaded: chunks in, a checked whole out.
#pragma once

#include <memory>
#include <optional>

#include "common/digest.h"
#include "common/error.h"
#include "model/parameter_set.h"
#include "protocol/messages.h"

namespace muster::participant {

/// Not thread-safe. What it has handed out stays valid and unchanged after Open.
class ModelBuffer {
 public:
  /// Makes room for the model of `version`, `bytes` long. Errors: size_mismatch (the trainer's
  /// model has another size: the builds of the two ends differ).
  Status Open(const ParameterLayout& layout, Version version, std::uint64_t bytes);

  /// Takes the next chunk: it must follow the one before. Errors: checksum_mismatch, wrong_offset,
  /// size_mismatch; the buffer is then as before.
  Status Store(const ModelChunk& chunk, ByteSpan payload);

  Version version() const { return version_; }
  /// The digest, once all bytes are there.
  std::optional<Xxh128Digest> Finished() const;
  /// REQUIRES: Finished().
  std::shared_ptr<const ParameterSet> model() const { return model_; }

 private:
  std::shared_ptr<ParameterSet> model_;
  std::unique_ptr<Xxh128> digest_;
  Version version_ = 0;
  std::uint64_t stored_ = 0;
};

}  // namespace muster::participant
