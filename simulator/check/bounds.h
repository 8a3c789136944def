// Bounds on what is queued and held, at both ends: memory does not grow with those who send.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "simulator/check/by_participant.h"
#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/outstanding.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// Coordinator: uploads within what the round can still take, each on an extent of its own, within
/// its window of credit; every payload taken or dropped in its step; batches and folds under way.
/// Participant: bytes asked for and sent within the window.
class Bounds : public Checker {
 public:
  Bounds(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
         const Sessions& sessions, const Outstanding& outstanding)
      : Checker(world, "bounds"),
        setup_(setup),
        ledger_(ledger),
        sessions_(sessions),
        outstanding_(outstanding) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override;
  void OnWritten(const Batch& batch) override;
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override;
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override;
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override;

 private:
  struct Upload {
    std::uint32_t extent = 0;
    std::uint64_t bytes = 0, asked = 0, stored = 0;
  };
  struct Member {
    std::uint64_t stored = 0;    ///< Of the model that it downloads.
    std::uint64_t credited = 0;  ///< Of `uploading`: the farthest that the coordinator stored.
    UpdateId uploading;
  };

  void CheckExtent(std::uint32_t extent, std::uint64_t bytes);
  void CheckFold(const coordinator::Fold& fold);
  std::size_t AcceptedInMemory() const;
  void Open(const coordinator::OpenUpload& open);
  void Store(const coordinator::StoreChunk& chunk);
  void TakePayload(coordinator::PayloadHandle payload);

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Sessions& sessions_;
  const Outstanding& outstanding_;
  std::map<coordinator::UploadId, Upload> uploads_;
  std::map<Round, std::set<std::uint32_t>> held_extents_;  ///< Of accepted updates.
  /// Where updates are accepted in memory: extents that are being added to the sum.
  std::multimap<UpdateId, std::uint32_t> folding_;
  std::optional<coordinator::PayloadHandle> payload_;  ///< Of this step, not taken yet.
  ByParticipant<Member> members_;
};

}  // namespace muster::simulator
