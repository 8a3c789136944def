#include "simulator/check/checkers.h"

#include "simulator/check/chain.h"
#include "simulator/check/durable.h"
#include "simulator/check/exactly_once.h"
#include "simulator/check/no_lost_work.h"

namespace muster::simulator {

Checkers::Checkers(World& world, const CoordinatorSetup& setup) {
  checkers_.push_back(std::make_unique<Durable>(world, ledger_));
  checkers_.push_back(std::make_unique<ExactlyOnce>(world, ledger_));
  checkers_.push_back(std::make_unique<NoLostWork>(world, ledger_));
  checkers_.push_back(std::make_unique<Chain>(world, setup, ledger_));
}
Checkers::~Checkers() = default;

void Checkers::Watch(Observer& observer) {
  observer.watchers.push_back(&ledger_);
  for (const auto& checker : checkers_) observer.watchers.push_back(checker.get());
}

void Checkers::Finish(CheckpointStore& store) {
  for (const auto& checker : checkers_) checker->OnFinish(store);
}

Looks Checkers::looks() const {
  Looks looks;
  for (const auto& checker : checkers_) looks.emplace_back(checker->name(), checker->looks());
  return looks;
}

}  // namespace muster::simulator
