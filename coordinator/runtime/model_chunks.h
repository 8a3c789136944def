// The newest version's bytes as they go out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "model/parameter_set.h"
#include "protocol/messages.h"
#include "transport/transport.h"

namespace muster::coordinator {

/// Chunks of the head, each summed up and sealed once for all who ask for it. Not thread-safe.
///
/// Memory: the chunks that are under way, once, however many peers they are under way to: at most a
/// second model where all of it is. Beside them the newest, up to kHeldBytesMax.
class ModelChunks {
 public:
  static constexpr std::uint64_t kHeldBytesMax = 64U << 20;

  void SetHead(Version version, std::shared_ptr<const ParameterSet> contents);

  struct Chunk {
    ModelChunk message;
    Payload payload;
  };
  /// REQUIRES: `version` is the head and has these bytes: always the same number from `offset` on.
  Chunk Get(Version version, std::uint64_t offset, std::uint32_t bytes);

 private:
  struct Made {
    std::uint64_t checksum = 0;
    /// Lives as long as the chunk is held or under way to somebody.
    std::weak_ptr<SharedSeal> seal;
  };
  struct Held {
    std::shared_ptr<SharedSeal> seal;
    std::uint64_t bytes = 0;
  };
  /// The seal that all share.
  std::shared_ptr<SharedSeal> SealOf(Made& made, std::uint64_t bytes);

  Version version_ = 0;
  std::shared_ptr<const ParameterSet> contents_;
  std::map<std::uint64_t, Made> made_;  ///< By offset.
  std::deque<Held> held_;
  std::uint64_t held_bytes_ = 0;
};

}  // namespace muster::coordinator
