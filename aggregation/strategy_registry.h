// Strategies from outside: a program registers its own before anything else, and is then a whole
// `muster` that has one strategy more. docs/own-strategy.md walks through one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aggregation/strategy.h"
#include "common/error.h"
#include "model/job.h"

namespace muster {

/// Makes the strategy of a job whose `strategy.name` is the registered name and which is valid in
/// all else; every key of `strategy` is there for it to read. A pure function of the job, called
/// often, in any thread; keeps no reference to the job.
/// Errors: config_invalid, beginning with the key at fault ("strategy.tau must be ..."): the job is
/// then refused where it is read.
using StrategyFactory = std::function<Result<std::unique_ptr<Strategy>>(const JobSpec&)>;

/// Lets jobs say strategy.name = "<name>", for the life of the process. All programs that take part
/// in such a job must register the same strategy under the same name; one that has no strategy of
/// the name refuses the job as `unsupported`. Whether two programs mean the same by a name nobody
/// can check but `muster checkpoints verify --replay`: change the name with the arithmetic.
/// Call it before the process reads any job. Errors: config_invalid (no name of 1 to 64 letters,
/// digits, '.', '_' and '-', or a built-in strategy's; no factory), already_exists.
Status RegisterStrategy(const std::string& name, StrategyFactory factory);

/// The strategy of a job of kind custom. REQUIRES: ValidateJob(job) passes.
std::unique_ptr<Strategy> CreateRegistered(const JobSpec& job);

}  // namespace muster
