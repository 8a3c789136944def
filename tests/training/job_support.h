// Small jobs, and fits as one call.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "training/trainer.h"

namespace muster {

/// A small perceptron on 200 drawn digits, four parts.
inline JobSpec SmallJob() {
  JobSpec job;
  job.seed = 7;
  job.model.hidden = {12};
  job.data.parts = 4;
  job.data.train_examples = 200;
  job.data.test_examples = 100;
  job.train.batch_size = 10;
  job.train.learning_rate = 0.1;
  job.round.goal = 4;
  job.round.quorum = 4;
  return job;
}

inline JobSpec SyntheticJob() {
  JobSpec job;
  job.seed = 7;
  job.model.kind = ModelKind::synthetic;
  job.model.parameters = 1000;
  job.data.source = DataSource::none;
  return job;
}

inline std::unique_ptr<Trainer> TrainerOf(const JobSpec& job, std::uint32_t part = 0) {
  auto trainer = CreateTrainer(job, part, {});
  if (!trainer.has_value()) {
    ADD_FAILURE() << trainer.error().Text();
    std::abort();
  }
  return std::move(*trainer);
}

/// One call of Fit and all it gave.
struct Fitted {
  FitResult result;
  ParameterSet delta;
  std::vector<FitPosition> positions;
};

/// Fits, and requests a stop after `stop_after` batches (0: before the first; negative: never).
inline Fitted FitOnce(Trainer& trainer, const FitTask& task, const LocalTraining& ask,
                      const ParameterSet& base, int stop_after = -1, ByteSpan client = {}) {
  Fitted fitted{{}, ParameterSet(trainer.layout()), {}};
  std::stop_source source;
  if (stop_after == 0) source.request_stop();
  const auto result = trainer.Fit(task, ask, base, client, fitted.delta, source.get_token(),
                                  [&](const FitPosition& position) {
                                    fitted.positions.push_back(position);
                                    if (static_cast<int>(fitted.positions.size()) == stop_after)
                                      source.request_stop();
                                  });
  if (result.has_value()) {
    fitted.result = *result;
  } else {
    ADD_FAILURE() << result.error().Text();
  }
  return fitted;
}

inline Fitted FitOnce(Trainer& trainer, const FitTask& task, const TrainSpec& train,
                      const ParameterSet& base, int stop_after = -1) {
  return FitOnce(trainer, task, LocalTraining{train}, base, stop_after);
}

inline bool SameBits(const ParameterSet& a, const ParameterSet& b) {
  return a.bytes().size() == b.bytes().size() &&
         std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

}  // namespace muster
