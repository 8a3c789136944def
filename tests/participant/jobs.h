// Small valid jobs for the tests of this folder.
#pragma once

#include "model/job.h"

namespace muster::participant {

inline JobSpec SmallJob() {
  JobSpec job;
  job.data.train_examples = 1'000;
  job.data.test_examples = 100;
  job.train.epochs = 2;
  return job;
}

}  // namespace muster::participant
