#include "simulator/check/checkers.h"

#include <functional>

#include "simulator/check/bounds.h"
#include "simulator/check/chain.h"
#include "simulator/check/client_states.h"
#include "simulator/check/closed_door.h"
#include "simulator/check/durable.h"
#include "simulator/check/elastic_data.h"
#include "simulator/check/exactly_once.h"
#include "simulator/check/fenced.h"
#include "simulator/check/fenced_member.h"
#include "simulator/check/job_end.h"
#include "simulator/check/local_steps.h"
#include "simulator/check/no_lost_work.h"
#include "simulator/check/no_silent_wait.h"
#include "simulator/check/order_free.h"
#include "simulator/check/pacing.h"
#include "simulator/check/retention.h"

namespace muster::simulator {

Checkers::Checkers(World& world, const CoordinatorSetup& setup, Observer& observer)
    : ledger_(AcceptOf(setup.job.round) == Accept::memory), sessions_(ledger_) {
  // Those that only follow come first: whoever judges sees what the call under way says.
  observer.Add(ledger_);
  observer.Add(sessions_);
  observer.Add(outstanding_);
  const auto add = [this, &observer]<class Kind>(std::unique_ptr<Kind> checker) {
    Kind& added = *checker;
    observer.Add(added);
    checkers_.push_back(std::move(checker));
    return std::ref(added);
  };
  add(std::make_unique<Durable>(world, ledger_));
  add(std::make_unique<ExactlyOnce>(world, setup, ledger_));
  add(std::make_unique<NoLostWork>(world, setup, ledger_, sessions_));
  const OrderFree& versions = add(std::make_unique<OrderFree>(world, setup, ledger_));
  if (KeepsClientState(setup.job)) add(std::make_unique<ClientStates>(world));
  if (LocalStepsMade::Judges(setup.job)) add(std::make_unique<LocalStepsMade>(world, setup.job));
  add(std::make_unique<Fenced>(world, ledger_, sessions_));
  add(std::make_unique<FencedMember>(world));
  add(std::make_unique<ClosedDoor>(world, setup, ledger_, sessions_));
  add(std::make_unique<NoSilentWait>(world, setup, ledger_, outstanding_));
  add(std::make_unique<Chain>(world, setup, ledger_));
  add(std::make_unique<Bounds>(world, setup, ledger_, sessions_, outstanding_));
  add(std::make_unique<Retention>(world, setup, ledger_));
  add(std::make_unique<Pacing>(world, setup, ledger_, sessions_));
  if (setup.job.data.access == DataAccess::elastic) {
    add(std::make_unique<ElasticData>(world, setup, ledger_, sessions_));
  }
  add(std::make_unique<JobEnd>(world, setup, ledger_, versions));
}
Checkers::~Checkers() = default;

void Checkers::Finish(CheckpointStore& store) {
  for (const auto& checker : checkers_) checker->OnFinish(store);
}

void Checkers::FinishDamaged(CheckpointStore& store) {
  for (const auto& checker : checkers_) checker->OnDamagedEnd(store);
}

Looks Checkers::looks() const {
  Looks looks;
  for (const auto& checker : checkers_) looks.emplace_back(checker->name(), checker->looks());
  return looks;
}

}  // namespace muster::simulator
