// A false coordinator at the other end of one link.
//
// It has the coordinator's key, else no link would come up: a copy of its state restored from
// elsewhere, another job's coordinator started with the same files, or a thief. Each lie is one
// that a participant can see through, because it remembers what it has seen
// (participant/core/trust.h) and knows digests; to one that remembers nothing it is silent, for
// nobody could tell.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/federation/packet.h"
#include "transport/transport.h"

namespace muster::simulator {

enum class Lie : std::uint8_t {
  silence,        ///< Nothing is answered.
  babble,         ///< Messages of a session instead of a welcome.
  older_epoch,    ///< coordinator_older
  older_version,  ///< coordinator_older
  other_nonce,    ///< split_brain
  other_lineage,  ///< unknown_lineage
  other_job,      ///< wrong_job
  contradiction,  ///< Header and welcome differ: malformed_message.
  no_order,       ///< A lineage history in no order: malformed_message.
  other_bytes,    ///< A welcome to be believed, and then model bytes of another digest.
};
inline constexpr std::size_t kLies = 10;

class Impostor {
 public:
  /// `welcome` and `task` are the newest that the true coordinator sent to the same participant.
  Impostor(std::uint64_t value, std::shared_ptr<const Packet> welcome,
           std::shared_ptr<const Packet> task);

  Lie lie() const { return lie_; }
  std::vector<std::pair<Channel, Packet>> Answer(const Packet& heard);

 private:
  std::vector<std::pair<Channel, Packet>> Greet(const Hello& hello);
  Packet LyingWelcome(const Hello& hello);
  Packet OtherBytes(const ModelRequest& request);

  const std::uint64_t value_;
  Lie lie_;
  const std::shared_ptr<const Packet> welcome_, task_;
  Fence fence_;
  std::shared_ptr<const Bytes> bytes_;  ///< Of the last model chunk: mostly the next is as long.
  std::uint64_t checksum_ = 0;          ///< Its own.
};

}  // namespace muster::simulator
