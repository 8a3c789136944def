// P2 of what updates leave behind: client-side state moves on once with each update that counts,
// never with a fit, and is not lost while its disk lives.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "simulator/check/by_participant.h"
#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"

namespace muster::simulator {

/// Every training begins from the state that the participant's last update which counts left, and
/// from its very bytes; a state is saved as the current one only once the update that made it
/// counts. Judged by what participants trained and by what is in the ledger.
class ClientStates : public Checker {
 public:
  /// Of a job that keeps any (KeepsClientState).
  explicit ClientStates(World& world) : Checker(world, "P2 client states") {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnWritten(const Batch& batch) override;
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override;
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override;
  void OnTrained(RosterIndex who, const Trained& trained) override;

 private:
  using Current = std::optional<participant::ClientState>;
  struct Member {
    /// What its updates leave behind if they count; trained since its disk was new.
    std::map<std::pair<UpdateId, Xxh128Digest>, participant::ClientBytes> makes;
    std::vector<participant::ClientState> counted;  ///< Of those that do; ascending.
    Current saved;  ///< As the last state says that it wrote or will write.
    Current began;  ///< The fit under way.
  };

  void Add(const RoundRecord& record);
  void OnSave(RosterIndex who, const participant::DurableState& state);
  /// Nobody told it of commits that were none, and no bit flipped in a message.
  bool Judges() const;

  ByParticipant<Member> members_;
  Version seen_ = 0;  ///< The newest version whose record was added.
};

}  // namespace muster::simulator
