// FedNova (Wang 2020, "Tackling the Objective Inconsistency Problem in Heterogeneous Federated
// Optimization", equations 6 and 7): slots take different numbers of local steps, and each counts
// by its mean step, not by how many it took.
#pragma once

#include "aggregation/mean_delta.h"

namespace muster {

/// With plain SGD as local optimizer, where the paper's a_i is all ones and its norm the number of
/// local steps tau_i. Two lanes, both weighted by the update (the paper's p_i is its weight over
/// the sum of the weights):
///   "delta"  of the model's layout: (float)((double)(trained - base) / tau_i)
///   "steps"  one value, tau_i; by LaneWeight::own, so that an update that is stale counts less for
///            its mean step and not a second time for its number of steps
/// With r the server learning rate, in double and every operation rounded once, to nearest even:
///   tau_eff = RingMean of "steps"
///   mean    = RingMean of "delta"
///   new model = (float)(model + (r * (tau_eff * mean)))
/// The server keeps no state. Thread-safe.
class FedNova final : public MeanDelta {
 public:
  /// Below so many local steps a fit is within the first attempt's bound; they are exact in float.
  static constexpr std::int32_t kStepsBoundLog2 = 20;

  using MeanDelta::MeanDelta;

  std::string_view name() const override { return "fednova"; }
  std::span<const std::string_view> state_kinds() const override { return {}; }
  std::vector<LaneSpec> Lanes(const ParameterLayout& model) const override;
  void CompleteUpdate(const LocalResult& result, ParameterSet& update,
                      Bytes& client) const override;
  void Apply(const TileInput& input, const TileOutput& output) const override;
};

}  // namespace muster
