// Adaptive deadlines: each is what the times of the updates that were accepted say, computed a
// second time from what the coordinator was seen to do.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// At each batch that opens a round or an attempt: its deadline is the one that follows from the
/// updates accepted in this life of the process, from the task's message to the check of the whole,
/// but of the rounds that an earlier life may have given tasks of;
/// none is adapted where the rule is fixed; the deadline of an attempt that is open stays as it is,
/// over restarts too. That attempts end by it is P9's.
class Pacing : public Checker {
 public:
  Pacing(World& world, const CoordinatorSetup& setup, const Ledger& ledger,
         const Sessions& sessions)
      : Checker(world, "adaptive deadlines"), setup_(setup), ledger_(ledger), sessions_(sessions) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;
  void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override;

 private:
  struct Given {
    UpdateId id;
    RosterIndex to = 0;
  };
  struct Whole {
    UpdateId id;
  };
  struct Accept {
    RosterIndex from = 0;
  };
  /// What one step did, in order: its time is known when it is over.
  using Fact = std::variant<Given, Whole, Accept, OpenRound>;
  struct Task {
    UpdateId id;
    MonotonicMs since = 0;
    std::optional<std::int64_t> took_ms;
    bool counted = false;
  };

  void Take(const Given& given, MonotonicMs now);
  void Take(const Whole& whole, MonotonicMs now);
  void Take(const Accept& accept, MonotonicMs now);
  void Take(const OpenRound& round, MonotonicMs now);
  std::int64_t Expected(Attempt attempt) const;

  const CoordinatorSetup& setup_;
  const Ledger& ledger_;
  const Sessions& sessions_;
  std::vector<Fact> facts_;
  std::optional<UpdateId> chunk_of_;  ///< Of the step under way.
  std::map<coordinator::UploadId, UpdateId> uploads_;
  Round before_ = 0;  ///< The last round that an earlier life may have given tasks of.
  std::map<RosterIndex, Task> tasks_;
  std::vector<std::int64_t> times_;  ///< Of all that were accepted, oldest first.
  std::map<std::pair<Round, Attempt>, std::int64_t> deadlines_;  ///< As they were first written.
  std::optional<MonotonicMs> last_step_;
};

}  // namespace muster::simulator
