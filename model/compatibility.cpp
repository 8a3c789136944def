#include "model/compatibility.h"

namespace muster {
namespace {

struct Rule {
  bool (*refuses)(const Combination&);
  Refusal refusal;
};

// The first rule that refuses names the fault.
constexpr Rule kRules[] = {
    {[](const Combination& c) {
       return c.mode == Mode::sync_sgd &&
              (c.strategy == StrategyKind::fedprox || c.strategy == StrategyKind::fednova ||
               c.strategy == StrategyKind::scaffold);
     },
     {"strategy.name",
      "corrects local steps, and round.mode = \"sync-sgd\" takes none: a round is one gradient"}},
    {[](const Combination& c) {
       return c.mode == Mode::sync_sgd && c.access == DataAccess::elastic;
     },
     {"data.access", "\"elastic\" is not built yet for round.mode = \"sync-sgd\""}},
    {[](const Combination& c) { return c.mode == Mode::async; },
     {"round.mode", "\"async\" is not built yet"}},
    {[](const Combination& c) { return c.mode == Mode::diloco; },
     {"round.mode", "\"diloco\" is not built yet"}},
    {[](const Combination& c) { return c.access == DataAccess::elastic; },
     {"data.access", "\"elastic\" is not built yet"}},
    {[](const Combination& c) { return c.strategy == StrategyKind::scaffold; },
     {"strategy.name", "names a strategy that is not built yet"}},
};

}  // namespace

Combination CombinationOf(const JobSpec& job) {
  return {job.round.mode, job.strategy.kind, AcceptOf(job.round), job.data.access,
          job.round.select_from};
}

Refusal WhyRefused(const Combination& combination) {
  for (const Rule& rule : kRules) {
    if (rule.refuses(combination)) return rule.refusal;
  }
  return {};
}

}  // namespace muster
