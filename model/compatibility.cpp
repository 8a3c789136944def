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
       return c.mode == Mode::async && c.strategy == StrategyKind::scaffold;
     },
     {"round.mode",
      "is \"async\", where a task begins before the last one's update counts; the control variates "
      "of strategy.name = \"scaffold\" move on when it does"}},
    {[](const Combination& c) { return c.mode == Mode::async && c.accept == Accept::memory; },
     {"round.accept",
      "is \"memory\", where a participant keeps what it handed in until the commit; with "
      "round.mode = \"async\" it hands in several updates before one and keeps the last one only"}},
    {[](const Combination& c) { return c.mode == Mode::async && c.access == DataAccess::elastic; },
     {"data.access",
      "is \"elastic\", where a round has blocks that must all be done; round.mode = \"async\" asks "
      "for none beforehand"}},
    {[](const Combination& c) {
       return c.mode == Mode::async && c.select_from == SelectFrom::enrolled;
     },
     {"round.select_from",
      "must be \"present\" with round.mode = \"async\": tasks go to whoever is there"}},
    {[](const Combination& c) {
       return c.mode == Mode::diloco &&
              (c.strategy == StrategyKind::fedprox || c.strategy == StrategyKind::fednova ||
               c.strategy == StrategyKind::scaffold);
     },
     {"strategy.name",
      "changes local steps of SGD, and those of round.mode = \"diloco\" are AdamW's; what steps on "
      "the mean goes with it: nesterov, fedavg, fedadagrad, fedadam, fedyogi"}},
    {[](const Combination& c) { return c.mode == Mode::diloco && c.accept == Accept::memory; },
     {"round.accept",
      "is \"memory\", where an update may be forgotten with who trained it; the moments that "
      "round.mode = \"diloco\" keeps must not be"}},
    {[](const Combination& c) { return c.mode == Mode::diloco && c.access == DataAccess::elastic; },
     {"data.access",
      "is \"elastic\", where it must not matter who does the work; round.mode = \"diloco\" keeps "
      "moments at each participant"}},
    {[](const Combination& c) {
       return c.access == DataAccess::elastic && c.strategy == StrategyKind::scaffold;
     },
     {"strategy.name",
      "is \"scaffold\", whose control variates are each participant's own; with data.access = "
      "\"elastic\" it must not matter who does the work"}},
    {[](const Combination& c) {
       return c.strategy == StrategyKind::scaffold && c.accept == Accept::memory;
     },
     {"round.accept",
      "is \"memory\", where an update may be forgotten with who trained it; the control variates "
      "that strategy.name = \"scaffold\" keeps must not be"}},
    {[](const Combination& c) {
       return c.access == DataAccess::elastic && c.select_from == SelectFrom::enrolled;
     },
     {"round.select_from",
      "must be \"present\" with data.access = \"elastic\": blocks are leased to whoever is there"}},
    {[](const Combination& c) {
       return c.access == DataAccess::elastic && c.accept == Accept::memory;
     },
     {"round.accept",
      "is \"memory\" (which round.mode = \"sync-sgd\" takes unless told otherwise), where a "
      "participant keeps what it handed in until the commit; with data.access = \"elastic\" it "
      "hands in several blocks a round and keeps the last one only: say \"durable\""}},
};

struct LateRule {
  bool (*refuses)(const JobSpec&);
  Refusal refusal;
};

constexpr LateRule kLateRules[] = {
    {[](const JobSpec& job) { return job.round.mode == Mode::async; },
     {"round.late", "is \"fold\"; with round.mode = \"async\" no update is late: leave it out"}},
    {[](const JobSpec& job) { return job.round.mode == Mode::sync_sgd; },
     {"round.late",
      "is \"fold\"; with round.mode = \"sync-sgd\" a step is one gradient of the newest version"}},
    {[](const JobSpec& job) { return job.data.access == DataAccess::elastic; },
     {"round.late",
      "is \"fold\"; with data.access = \"elastic\" a round waits for all its blocks"}},
    {[](const JobSpec& job) { return KeepsClientState(job); },
     {"round.late",
      "is \"fold\", where the next task may begin before the last one's update counts; the "
      "client-side state of strategy.name = \"scaffold\" and train.optimizer = \"adamw\" moves on "
      "when it does"}},
    {[](const JobSpec& job) { return AcceptOf(job.round) == Accept::memory; },
     {"round.late",
      "is \"fold\"; with round.accept = \"memory\" a participant keeps what it handed in until the "
      "commit, and here it goes on at once"}},
    {[](const JobSpec& job) { return job.round.staleness_max == 0; },
     {"round.staleness_max", "is 0 with round.late = \"fold\": none would ever count"}},
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

Refusal WhyLateRefused(const JobSpec& job) {
  if (job.round.late != LatePolicy::fold) return {};
  for (const LateRule& rule : kLateRules) {
    if (rule.refuses(job)) return rule.refusal;
  }
  return {};
}

}  // namespace muster
