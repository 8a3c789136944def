// P4: a version is a function of its parent and its record alone, computed here a second time from
// the bytes that were really trained and sent.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/reference.h"
#include "simulator/federation/setup.h"
#include "training/trainer.h"

namespace muster::simulator {

/// Every committed version has the digest of the reference, which knows no order of arrival; tasks
/// name its model; two trainings of one task give one update; the spool holds what was checked. Of
/// some jobs, at the end, the production code replays the records as well.
class OrderFree : public Checker {
 public:
  OrderFree(World& world, const CoordinatorSetup& setup, const Ledger& ledger);

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnWritten(const Batch& batch) override;
  void OnSpooled(coordinator::UploadId upload, ByteSpan bytes) override;
  void OnTrained(RosterIndex who, const UpdateId& id, ByteSpan bytes) override;
  void OnFinish(CheckpointStore& store) override;

 private:
  struct Known {
    Bytes bytes;
    Round round = 0;  ///< The newest that it may count in.
  };

  void CatchUp();
  void Advance(const RoundRecord& record);
  void ForgetUpTo(Round round);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  ReferenceVersion reference_;
  Version at_ = 0;  ///< The reference's version.
  Xxh128Digest model_digest_{};
  bool broken_ = false;
  bool all_trained_ = true;  ///< Nothing counts but what participants trained.
  std::map<Xxh128Digest, Known> known_;
  std::map<UpdateId, Xxh128Digest> trained_;
  std::map<coordinator::UploadId, Bytes> uploads_;
};

}  // namespace muster::simulator
