// The operator, who enrols participants, throws them out and gives them other keys while the run
// goes on, as `muster enroll` does at a live coordinator.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/federation/coordinator_node.h"
#include "simulator/federation/participant_node.h"

namespace muster::simulator {

/// By roster index.
using Fleet = std::vector<std::unique_ptr<ParticipantNode>>;

/// One request at a time; one that a coordinator's death swallowed is made again. Whoever is thrown
/// out comes back under another key after a while where the job could not go on without. Not
/// thread-safe.
class Membership {
 public:
  static constexpr std::size_t kNewcomersMost = 8;
  static constexpr Micros kOutMost = 20'000 * kMillisecond;

  /// All must outlive it, and every action that it leaves in the world's queue.
  Membership(World& world, CoordinatorNode& coordinator, Place home, Fleet& fleet,
             const CoordinatorSetup& setup);

  /// False: nothing is asked for, there are enough or a request is under way.
  bool Enroll(std::uint64_t value);
  /// False: nothing is asked for, it is out.
  bool Revoke(ParticipantNode& node, std::uint64_t value);
  void NewKey(ParticipantNode& node, std::uint64_t value);
  /// It is enrolled again now, if it was thrown out.
  void TakeBack(ParticipantNode& node);
  /// Makes the next request, or again one whose answer does not come.
  void Turn();

 private:
  struct Request {
    std::string name;
    PublicKey key;  ///< None is new for a revocation.
    bool revoke = false;
    std::function<void(RosterIndex)> granted;
  };

  /// Thrown out, or soon.
  bool IsOut(const ParticipantNode& node) const { return out_.contains(node.name()); }
  void Ask(Request request);
  void OnAnswer(coordinator::AdminTicket ticket, const Status& answer, RosterIndex index);
  PublicKey FreshKey(std::uint64_t value);
  std::size_t Members() const;
  void Join(RosterIndex index, const std::string& name, const PublicKey& key);

  World& world_;
  CoordinatorNode& coordinator_;
  const Place home_;
  Fleet& fleet_;
  const std::size_t parts_;
  const std::size_t needed_;
  const std::size_t first_members_;
  std::set<std::string> out_;  ///< Revoked, or soon.
  std::deque<Request> requests_;
  coordinator::AdminTicket ticket_ = 0;
  std::optional<std::uint64_t> asked_in_;  ///< The coordinator's life that has the first request.
  std::uint64_t keys_ = 0;
};

}  // namespace muster::simulator
