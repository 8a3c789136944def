#include "aggregation/strategy_registry.h"

#include <algorithm>
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

/// Whether the strategy has a weight for each block of elastic data: the sizes follow from the job,
/// and a round ends only with all of its blocks.
Status CheckBlockWeights(const Strategy& strategy, const JobSpec& job) {
  if (job.data.access != DataAccess::elastic) return {};
  const std::uint64_t whole =
      std::min<std::uint64_t>(job.data.block_examples, job.data.train_examples);
  for (const std::uint64_t examples : {whole, job.data.train_examples % job.data.block_examples}) {
    if (examples == 0) continue;  // The last block of an epoch is as long as the others.
    const Result<std::uint64_t> weight = strategy.UpdateWeight(examples);
    const Status taken = weight ? strategy.CheckUpdateWeight(*weight) : Status(weight.error());
    if (taken) continue;
    return Error{Reason::config_invalid,
                 "data.block_examples makes a block of " + std::to_string(examples) +
                     " examples, for which strategy \"" + std::string(strategy.name()) +
                     "\" has no weight: " + taken.error().message};
  }
  return {};
}

}  // namespace

Status RegisterStrategy(const std::string& name, StrategyFactory factory) {
  if (!factory) return Error{Reason::config_invalid, "strategy \"" + name + "\" has no factory"};
  const auto judge = [name, factory](const JobSpec& job) -> Status {
    const Result<std::unique_ptr<Strategy>> strategy = MakeChecked(name, factory, job);
    MUSTER_TRY(strategy);
    return CheckBlockWeights(**strategy, job);
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
