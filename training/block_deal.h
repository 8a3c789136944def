// Which examples a block of elastic data holds: each epoch deals all of them by a shuffle that is
// keyed by the epoch, so that they are a function of the job and the task, whoever asks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/error.h"
#include "model/job.h"
#include "training/trainer.h"

namespace muster {

/// Keeps the deal of the epoch that was asked for last. Not thread-safe.
class BlockDeal {
 public:
  /// REQUIRES: data.access is elastic.
  explicit BlockDeal(const JobSpec& job) : job_(job) {}

  /// The examples of the task's block, in the order of the deal.
  /// Errors: malformed_message (the round has no such block).
  Result<std::vector<std::uint32_t>> ExamplesOf(const FitTask& task);

 private:
  const JobSpec job_;
  std::optional<std::uint64_t> epoch_;
  std::vector<std::uint32_t> order_;  ///< Of that epoch.
};

}  // namespace muster
