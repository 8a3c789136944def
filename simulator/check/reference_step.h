// What a server optimizer makes of one element, computed a second time: what aggregation/fedavg.h,
// nesterov.h and adaptive.h say, one operation after another.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/job.h"

namespace muster::simulator {

/// What the server keeps a value of for each of the model's, in order.
std::vector<std::string_view> NaiveStateKinds(const StrategySpec& strategy);

/// The model's new value. `state` has the element's value of each kind; the new ones take their
/// place; scaffold's control variate stays, for no server optimizer moves it. REQUIRES: the
/// strategy is no custom one; of fednova the mean is what its header multiplies with the learning
/// rate.
float NaiveServerStep(const StrategySpec& strategy, float model, double mean,
                      std::span<float> state);

/// What an update's weight is multiplied by, so many versions after its base: by the C library's
/// power, to nearest. 1 where none may be stale.
std::uint32_t NaiveFactor(const RoundSpec& round, std::uint64_t staleness);

/// Whether an update of an older base may count.
bool NaiveTakesStale(const RoundSpec& round);

/// How many updates may count in one version: late ones come on top.
std::uint64_t NaiveUpdatesMost(const RoundSpec& round);

}  // namespace muster::simulator
