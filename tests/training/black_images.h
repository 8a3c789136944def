// Data of which every step of training can be worked by hand.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/temp_dir.h"
#include "tests/training/idx_support.h"
#include "tests/training/job_support.h"

namespace muster {

class BlackImagesTest : public ::testing::Test {
 protected:
  /// Black images that all show a 0, for softmax regression: with inputs of zero only the biases
  /// move. Ten of them, in one part.
  std::unique_ptr<Trainer> BlackImages() {
    JobSpec job = SmallJob();
    job.model.kind = ModelKind::softmax;
    job.data.source = DataSource::idx;
    job.data.parts = 1;
    job.data.train_examples = 0;
    job.data.test_examples = 0;
    job.round.goal = 1;
    job.round.quorum = 1;
    for (const std::string prefix : {"train", "t10k"}) {
      WriteText(dir_ / (prefix + "-images-idx3-ubyte"),
                IdxImagesHeader(10) + std::string(10 * kImageBytes, '\0'));
      WriteText(dir_ / (prefix + "-labels-idx1-ubyte"),
                IdxLabelsHeader(10) + std::string(10, '\0'));
    }
    return std::move(*CreateTrainer(job, 0, {dir_.path()}));
  }

  const TempDir dir_;
};

}  // namespace muster
