// Strategies from outside: a program registers its own before anything else, and is then a whole
// `muster` that has one strategy more. docs/own-strategy.md walks through one.
//
// What such a strategy must keep, besides what Strategy says of each function:
// - It is a pure function of the job. Coordinator, participants, a restart and a replay each make
//   one of their own and rely on its answers being equal: no clock, randomness, file, environment,
//   locale or global variable, and nothing remembered from one call to the next. What must survive
//   a round is server state (state_kinds), which is kept with the version and begins at zero.
// - Apply and CompleteUpdate have the same bits on every machine: +, -, *, / and std::sqrt of float
//   and double, each rounded once, comparisons and integers. No other function of <cmath> (exp, log
//   and pow differ between libraries), no long double, no sum over Apply's elements: they do not
//   see each other, and tiles are cut anywhere and computed in any order. The package compiles with
//   -ffp-contract=off; leave that, and never use -ffast-math. State the arithmetic where the class
//   is declared.
// - Apply writes every element of every output. NaN or infinity in one ends the job as `diverged`.
// - All functions are called from several threads at once. Views and spans that they return live
//   as long as the object.
// - Nothing throws: an exception ends the process.
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
