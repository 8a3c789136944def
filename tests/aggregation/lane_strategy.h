// Federated averaging with lanes of a test's choice.
#pragma once

#include <utility>
#include <vector>

#include "aggregation/fedavg.h"

namespace muster::testing {

class LaneStrategy final : public Strategy {
 public:
  LaneStrategy(const JobSpec& job, std::vector<LaneSpec> lanes)
      : fedavg_(job), lanes_(std::move(lanes)) {}

  std::string_view name() const override { return "lanes"; }
  std::span<const std::string_view> state_kinds() const override { return fedavg_.state_kinds(); }
  LocalTraining Ask(Round round) const override { return fedavg_.Ask(round); }
  Result<std::uint64_t> UpdateWeight(std::uint64_t examples) const override {
    return fedavg_.UpdateWeight(examples);
  }
  Status CheckUpdateWeight(std::uint64_t weight) const override {
    return fedavg_.CheckUpdateWeight(weight);
  }
  std::vector<LaneSpec> Lanes(const ParameterLayout& /*model*/) const override { return lanes_; }
  void Apply(const TileInput& input, const TileOutput& output) const override {
    fedavg_.Apply(input, output);
  }

 private:
  FedAvg fedavg_;
  std::vector<LaneSpec> lanes_;
};

}  // namespace muster::testing
