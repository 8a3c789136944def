// What an update of an older base weighs (round.mode = "async", round.late = "fold"): integer
// factors that follow from the job alone, so that an update's weight in a sum is an integer, the
// same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "model/job.h"

namespace muster {

/// Whether an update may count whose base is older than the parent of the version it counts in.
bool TakesStale(const RoundSpec& round);

/// The factor of an update that is not stale. Others are rounded to whole parts of it.
inline constexpr std::uint32_t kStalenessOneLog2 = 9;
inline constexpr std::uint32_t kStalenessOne = 1U << kStalenessOneLog2;

/// The factor for each staleness s, the versions committed between an update's base and the parent
/// of the version it counts in, from 0 to round.staleness_max (Xie 2019, "Asynchronous Federated
/// Optimization", section 5.2):
///   constant    kStalenessOne
///   polynomial  kStalenessOne * (s + 1)^-a
///   hinge       kStalenessOne for s <= b, else kStalenessOne / (a * (s - b) + 1)
/// each rounded to nearest, halves up, and at least 1. The power is x^n, multiplied up from 1 n
/// times, times x^(f_1 / 2) x^(f_2 / 4) ... by repeated square roots, for a = n + f with the first
/// kPowerBits binary digits f_i of f: double arithmetic rounded once an operation and no libm but
/// sqrt, so every machine has the same table.
/// REQUIRES: ValidateJob passes, TakesStale.
std::vector<std::uint32_t> StalenessTable(const RoundSpec& round);
inline constexpr int kPowerBits = 32;

/// The factor that updates of this job have which are not stale: kStalenessOne where it TakesStale,
/// else 1. What the sum of the weights is multiplied by where updates enter
/// with their factors (LaneWeight::update): so an update that is stale moves the model less, also
/// where all of its version are (Nguyen 2022, "Federated Learning with Buffered Asynchronous
/// Aggregation", algorithm 1, whose sum of s(tau) * delta is divided by K, with weights).
std::uint32_t FullFactor(const JobSpec& job);

/// The most that an update can weigh in a sum: aggregation.weight_max times FullFactor. At most
/// 2^limits::kWeightMaxLog2.
std::uint64_t WeightInSumMax(const JobSpec& job);

/// How many late updates a version takes beside those of its own round: as many as a cohort has
/// members where round.late is fold, else none. What comes on top waits for the next version.
std::uint32_t LateUpdatesMax(const RoundSpec& round);

/// The most updates that one version may hold.
std::uint32_t UpdatesInSumMax(const RoundSpec& round);

}  // namespace muster
