// P4: a version is a function of its parent and its record alone, computed here a second time from
// the bytes that were really trained and sent.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/reference.h"
#include "simulator/federation/setup.h"
#include "training/trainer.h"

namespace muster::simulator {

/// What the reference says of a version.
struct VersionFacts {
  Xxh128Digest model_digest{};
  double loss = 0, accuracy = 0;  ///< As the synthetic trainer has them.
};

/// Every committed version has the digest of the reference, which knows no order of arrival; tasks
/// name its model; a participant begins from the bytes that its task names, which are those of the
/// version; two trainings of one task give one update; the spool holds what was checked. Of some
/// jobs, at the end, the production code replays the records as well.
class OrderFree : public Checker {
 public:
  OrderFree(World& world, const CoordinatorSetup& setup, const Ledger& ledger);

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;
  void OnSpooled(coordinator::UploadId upload, ByteSpan bytes) override;
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override;
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override;
  void OnFit(RosterIndex who, const UpdateId& id, Version base_version, ByteSpan base) override;
  void OnTrained(RosterIndex who, const Trained& trained) override;
  void OnFinish(CheckpointStore& store) override;

  /// Null: it is not committed, or not followed, see broken().
  const VersionFacts* FactsOf(Version version) const;
  /// A version did not follow from its record: none after it can be judged.
  bool broken() const { return broken_; }

 private:
  struct Known {
    Bytes bytes;
    Round round = 0;  ///< The newest that it may count in.
  };

  void AddFacts();
  void CatchUp();
  void Advance(const RoundRecord& record);
  void ForgetUpTo(Round round);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  ReferenceVersion reference_;
  Version at_ = 0;  ///< The reference's version.
  std::map<Version, VersionFacts> facts_;
  /// What models each participant was told to train from, by the task.
  std::map<RosterIndex, std::map<UpdateId, std::set<Xxh128Digest>>> told_;
  bool broken_ = false;
  bool all_trained_ = true;  ///< Nothing counts but what participants trained.
  std::map<Xxh128Digest, Known> known_;
  /// By the update and the client state that it began from.
  std::map<std::pair<UpdateId, Version>, Xxh128Digest> trained_;
  std::map<coordinator::UploadId, Bytes> uploads_;
};

}  // namespace muster::simulator
