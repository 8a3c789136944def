// An enrolled participant that means harm: its key opens the door, and it says whatever it likes.
//
// It speaks the protocol by hand, so that it is in session when it misbehaves. At every turn each
// kind of harm is asked for (FaultKind::babble to flood); the value says which and how. All that it
// says is encoded and decoded like any message: what no frame can hold arrives as unreadable.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "simulator/federation/forgery.h"
#include "simulator/federation/network.h"

namespace muster::simulator {

/// What is wrong with an update that it offers.
enum class Flaw : std::uint8_t {
  none,            ///< Nothing but the weight, later: it may count, in its sender's slot.
  not_finite,      ///< NaN or infinity somewhere.
  too_large,       ///< At the round's bound, or far beyond it.
  gap,             ///< Bytes between the tensors.
  digest,          ///< Other bytes than offered.
  checksum,        ///< Of a chunk.
  weight,          ///< 0, above the largest, absurd.
  size,            ///< Another than the model's.
  id,              ///< Another slot's, round's, task's, lineage's.
  base,            ///< Another base version.
  silence,         ///< Granted, and nothing comes.
  half,            ///< Half of it comes.
  drip,            ///< A few bytes a turn.
  disorder,        ///< Chunks of another life, that overlap, leave holes or lie beyond the end.
  beyond_credit,   ///< Chunks without waiting for credit, again and again.
  second_thought,  ///< Under the same id another digest in the middle, or weight at the end.
};
inline constexpr std::size_t kFlaws = 16;

class HostileNode {
 public:
  static constexpr Micros kTurnEvery = 150 * kMillisecond;

  /// `names` of all who are enrolled. The world and the network must outlive the node.
  HostileNode(World& world, Network& network, const RosterEntry& entry,
              std::vector<std::string> names, const ParameterLayout& layout);

  void Start();
  Actor actor() const { return actor_; }

 private:
  struct Link {
    Incarnation incarnation;
    bool up = false;
  };
  struct Poison {
    Flaw flaw = Flaw::none;
    LinkId link = 0;
    Offer offer;
    Bytes bytes;
    std::uint64_t seed = 0;
    std::uint64_t sent = 0;
    bool granted = false;
    bool outgrows = false;  ///< Bounds that were raised for the one before.
  };

  void Turn();
  void Open(const Incarnation& incarnation);
  void Shut(LinkId link);
  void OnPacket(LinkId link, const Packet& packet);
  bool IsUp(LinkId link) const;
  void Say(LinkId link, Channel channel, const Packet& packet, std::uint64_t times = 1);
  Hello Greeting(const Incarnation& incarnation) const;
  Incarnation NewIncarnation();
  /// One of its links that is up; 0: there is none.
  LinkId AnyLink(KeyedStream& stream) const;

  void Babble(KeyedStream& stream);
  void SayStale(KeyedStream& stream);
  void Replay(KeyedStream& stream);
  void Usurp(KeyedStream& stream);
  void Flood(KeyedStream& stream);
  void OfferPoison(KeyedStream& stream);
  void SpoilOffer(Poison& poison, KeyedStream& stream);
  void SpoilBytes(Poison& poison, KeyedStream& stream);
  void OnGrant(LinkId link, const Grant& grant);
  void SendUpdate();
  void SendChunk(std::uint64_t offset, std::uint64_t bytes, const Fence& fence);

  World& world_;
  Network& network_;
  const RosterEntry entry_;
  const Actor actor_;
  const ParameterLayout layout_;
  Knowledge known_;
  std::map<LinkId, Link> links_;
  std::vector<Incarnation> ended_;
  std::deque<Packet> heard_;  ///< And said; the newest last.
  std::optional<Poison> poison_;
  std::uint64_t turns_ = 0;
  std::uint64_t acts_ = 0;  ///< Links opened and messages sent.
};

}  // namespace muster::simulator
