#include "checkpoint/copy_costs.h"

#include "model/elastic.h"
#include "model/job.h"

namespace muster {

std::vector<std::string> CostsOfCopy(const RecoveredState& state, Version source, Version copy) {
  std::vector<std::string> costs;
  if (!state.job) return costs;
  const Result<JobSpec> job = DecodeJob(state.job->job);
  if (!job) return costs;
  if (DealsByRound(*job)) {
    // A version's round has its number.
    costs.push_back("the examples of the rounds " + std::to_string(source + 1) + " to " +
                    std::to_string(copy) +
                    " count in no version that goes on from here, for which ones a round takes "
                    "follows from its number: the epochs that they belong to are not whole");
  }
  if (job->strategy.kind == StrategyKind::scaffold) {
    costs.push_back("the server's control variate is that of version " + std::to_string(source) +
                    " again and not the mean of the participants' any more: all further steps are "
                    "off by the difference; a job that begins from the exported model has none");
  }
  return costs;
}

}  // namespace muster
