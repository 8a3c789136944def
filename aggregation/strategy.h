// The seam for algorithms: what a round asks of a slot, how its update is weighted, which lanes are
// summed, what state the server keeps, and how the sums change model and state. Both cores go by
// it; as it is a function of the job alone, which both hold, none of it travels with a task.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregation/lane_set.h"
#include "common/error.h"
#include "model/job.h"
#include "model/local_training.h"
#include "model/parameter_set.h"

namespace muster {

/// One lane's share of a tile: element i stands for RingMean(sums[i], unit, denominator).
struct LaneTile {
  std::span<const std::uint64_t> sums;  ///< By LaneReach: the tile's elements, or the whole lane.
  double unit = 1;                      ///< 2^-scale_log2 of the tensor.
  double denominator = 1;               ///< Of the lane: by its LaneWeight.
};

/// The same elements of one model tensor, everywhere: of the parent version and of the lanes.
struct TileInput {
  std::span<const float> model;
  std::span<const std::span<const float>> state;  ///< One span a state kind.
  std::span<const LaneTile> lanes;                ///< One a lane, in the order of Lanes().
};

/// The new version's elements, as many as the input has.
struct TileOutput {
  std::span<float> model;
  std::span<const std::span<float>> state;
};

/// What a slot's training gave beside the trained model.
struct LocalResult {
  std::uint64_t steps = 0;   ///< That the local optimizer took, 1 or more.
  const ParameterSet& base;  ///< What it began from: DownloadLayout.
  ByteSpan client;           ///< The client-side state that it began from; empty: a fresh one.
};

/// Pure functions of the job: no call changes the object. Thread-safe.
class Strategy {
 public:
  virtual ~Strategy() = default;

  virtual std::string_view name() const = 0;

  /// What the server keeps a tensor of for every model tensor, e.g. "momentum": the state's tensor
  /// is then "server/momentum/<tensor>", with the model tensor's shape, f32, at first zero.
  virtual std::span<const std::string_view> state_kinds() const = 0;

  /// How many of the first state kinds go to participants with the model. At most all.
  virtual std::size_t downloaded_kinds() const { return 0; }

  /// The local training that a round asks of each of its slots, from the round's parent version.
  virtual LocalTraining Ask(Round round) const = 0;

  /// The integer weight of an update trained on this many examples: what a participant declares.
  /// Errors: as CheckUpdateWeight.
  virtual Result<std::uint64_t> UpdateWeight(std::uint64_t examples) const = 0;

  /// Whether UpdateWeight can give this weight for any examples: what a coordinator accepts.
  /// Errors: weight_invalid, saying which weights there are.
  virtual Status CheckUpdateWeight(std::uint64_t weight) const = 0;

  /// What is summed over a round's updates, as LaneSet::Create wants it. An update's bytes are its
  /// lanes' one after another.
  virtual std::vector<LaneSpec> Lanes(const ParameterLayout& model) const = 0;

  /// Makes an update of what a fit gave, where the mean delta is not all: in `update` the first
  /// lane holds trained - base and the others zeros. `client` holds the client-side state after the
  /// fit as the trainer left it, empty where it keeps none. It must be left as it is but by a
  /// strategy of which KeepsClientState is true, which no custom one is: their fits fail. Runs at
  /// the participant, and again where a version is replayed: equal results must give equal bits.
  virtual void CompleteUpdate(const LocalResult& /*result*/, ParameterSet& /*update*/,
                              Bytes& /*client*/) const {}

  /// Computes the new elements. Elements do not see each other, so a tile may be cut anywhere. The
  /// subclass states its exact arithmetic: every bit of it is part of the version format.
  /// REQUIRES: all spans of equal size, but those of lanes that tiles see whole; outputs overlap
  /// nothing.
  virtual void Apply(const TileInput& input, const TileOutput& output) const = 0;
};

/// The job's strategy. REQUIRES: ValidateJob(job) passes.
std::unique_ptr<Strategy> CreateStrategy(const JobSpec& job);

/// What the strategy sums for this model. All that folds, checks or builds asks here.
/// Errors: as LaneSet::Create.
Result<LaneSet> LanesOf(const Strategy& strategy, const ParameterLayout& model);

/// What a participant downloads to train from: the model, then the first downloaded_kinds() kinds
/// of server state. The first bytes of a version. Errors: as ParameterLayout::Create.
Result<ParameterLayout> DownloadLayout(const Strategy& strategy, const ParameterLayout& model);

/// How many bytes it has, of a model of so many: a kind of state is as long as the model.
inline std::uint64_t DownloadBytes(const Strategy& strategy, std::uint64_t model_bytes) {
  return model_bytes * (1 + strategy.downloaded_kinds());
}

/// The server state of a model: for each kind, in order, one tensor for each model tensor.
/// Errors: as ParameterLayout::Create.
Result<ParameterLayout> StateLayout(const Strategy& strategy, const ParameterLayout& model);

}  // namespace muster
