#include "model/custom_strategies.h"

#include <errno.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "common/names.h"
#include "model/job_words.h"

namespace muster {
namespace {

struct Registered {
  std::mutex mutex;
  std::map<std::string, CustomStrategyJudge, std::less<>> judges;
};

Registered& KnownJudges() {
  static Registered known;
  return known;
}

bool IsBuiltIn(std::string_view name) {
  return std::ranges::count(JobWords<StrategyKind>(), name, &JobWord<StrategyKind>::first) > 0;
}

}  // namespace

Status AddCustomStrategy(const std::string& name, CustomStrategyJudge judge) {
  if (!IsName(name)) {
    return Error{Reason::config_invalid, "a strategy cannot be called \"" + name +
                                             "\": a name has " + std::string(kNameRule)};
  }
  if (IsBuiltIn(name)) {
    return Error{Reason::config_invalid, "a strategy cannot be called \"" + name +
                                             "\": that is a strategy of Muster's own"};
  }
  Registered& known = KnownJudges();
  const std::scoped_lock lock(known.mutex);
  if (!known.judges.try_emplace(name, std::move(judge)).second) {
    return Error{Reason::already_exists, "a strategy called \"" + name + "\" is registered"};
  }
  return {};
}

bool HasCustomStrategy(std::string_view name) {
  Registered& known = KnownJudges();
  const std::scoped_lock lock(known.mutex);
  return known.judges.contains(name);
}

std::vector<std::string> CustomStrategyNames() {
  Registered& known = KnownJudges();
  const std::scoped_lock lock(known.mutex);
  std::vector<std::string> names;
  for (const auto& [name, judge] : known.judges) names.push_back(name);
  return names;
}

Status JudgeCustomStrategy(const JobSpec& job) {
  Registered& known = KnownJudges();
  CustomStrategyJudge judge;
  {
    const std::scoped_lock lock(known.mutex);
    const auto found = known.judges.find(job.strategy.custom);
    if (found != known.judges.end()) judge = found->second;
  }
  if (judge) return judge(job);
  return Error{Reason::unsupported, "strategy.name is \"" + job.strategy.custom +
                                        "\", which the program `" + program_invocation_short_name +
                                        "` does not have: start the program that registers it"};
}

}  // namespace muster
