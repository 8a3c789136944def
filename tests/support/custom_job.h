// A job of a custom strategy.
#pragma once

#include <string>

#include "model/job.h"

namespace muster {

/// A small job whose strategy is the custom one of this name; valid where the strategy is known.
inline JobSpec JobOfCustom(const std::string& name) {
  JobSpec job;
  job.data.train_examples = 6000;
  job.data.test_examples = 1000;
  job.strategy.kind = StrategyKind::custom;
  job.strategy.custom = name;
  return job;
}

}  // namespace muster
