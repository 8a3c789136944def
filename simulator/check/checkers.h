// All checkers of a run, always on.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"
#include "simulator/check/outstanding.h"
#include "simulator/check/sessions.h"
#include "simulator/federation/setup.h"

namespace muster::simulator {

/// How often each checker looked, by its name.
using Looks = std::vector<std::pair<std::string_view, std::uint64_t>>;

/// What is broken goes to World::Violate, which ends the run.
class Checkers {
 public:
  /// They see what `observer` tells, which must not tell anything after they are gone. All three
  /// must outlive them.
  Checkers(World& world, const CoordinatorSetup& setup, Observer& observer);
  ~Checkers();

  /// The coordinator has ended for good: what can be said only now. Once.
  void Finish(CheckpointStore& store);
  /// The same after a run that ended for damage; what cannot be read must be what was flipped.
  void FinishDamaged(CheckpointStore& store);

  const Ledger& ledger() const { return ledger_; }
  Looks looks() const;

 private:
  Ledger ledger_;
  Sessions sessions_;
  Outstanding outstanding_;
  std::vector<std::unique_ptr<Checker>> checkers_;
};

}  // namespace muster::simulator
