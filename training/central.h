// Training in one place on all the data: what federated results are compared with.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "common/error.h"
#include "model/job.h"
#include "model/parameter_set.h"
#include "training/trainer.h"

namespace muster {

/// The job with one part that holds everything and one local epoch: one fit is one central epoch.
/// Model, data, batch size, learning rate and seed stay.
JobSpec CentralJob(JobSpec job);

/// Trains the job's model from its version 0 on all training examples for `epochs` epochs, in this
/// thread, and calls `on_epoch` with each epoch (from 1) and its evaluation.
/// Errors: as CreateTrainer; cancelled.
Result<ParameterSet> CentralTrain(
    const JobSpec& job, const DataOptions& options, std::uint32_t epochs,
    const std::stop_token& stop,
    const std::function<void(std::uint32_t epoch, const Evaluation&)>& on_epoch);

}  // namespace muster
