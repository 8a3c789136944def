#include "aggregation/strategy_registry.h"

#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "model/custom_strategies.h"

namespace muster {
namespace {

struct Factories {
  std::mutex mutex;
  std::map<std::string, StrategyFactory, std::less<>> by_name;
};

Factories& KnownFactories() {
  static Factories known;
  return known;
}

/// What a factory makes of a job, or what is wrong with the job or with the factory.
Result<std::unique_ptr<Strategy>> MakeChecked(const std::string& name,
                                              const StrategyFactory& factory, const JobSpec& job) {
  Result<std::unique_ptr<Strategy>> strategy = factory(job);
  if (!strategy) return strategy;
  if (*strategy == nullptr) {
    return Error{Reason::config_invalid, "strategy.name is \"" + name +
                                             "\", whose factory in this program made no strategy"};
  }
  if ((*strategy)->name() != name) {
    return Error{Reason::config_invalid,
                 "strategy.name is \"" + name +
                     "\", but the strategy registered so in this program calls itself \"" +
                     std::string((*strategy)->name()) + "\""};
  }
  return strategy;
}

}  // namespace

Status RegisterStrategy(const std::string& name, StrategyFactory factory) {
  if (!factory) return Error{Reason::config_invalid, "strategy \"" + name + "\" has no factory"};
  const auto judge = [name, factory](const JobSpec& job) -> Status {
    MUSTER_TRY(MakeChecked(name, factory, job));
    return {};
  };
  MUSTER_TRY(AddCustomStrategy(name, judge));
  Factories& known = KnownFactories();
  const std::scoped_lock lock(known.mutex);
  known.by_name.emplace(name, std::move(factory));
  return {};
}

std::unique_ptr<Strategy> CreateRegistered(const JobSpec& job) {
  Factories& known = KnownFactories();
  StrategyFactory factory;
  {
    const std::scoped_lock lock(known.mutex);
    const auto found = known.by_name.find(job.strategy.custom);
    if (found != known.by_name.end()) factory = found->second;
  }
  MUSTER_CHECK(factory, "the job was not validated: its strategy is not registered");
  Result<std::unique_ptr<Strategy>> strategy = MakeChecked(job.strategy.custom, factory, job);
  MUSTER_CHECK(strategy.has_value(), "the job was not validated, or a factory is no pure function");
  return *std::move(strategy);
}

}  // namespace muster
