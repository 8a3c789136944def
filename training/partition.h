// Which participant holds which examples: pure functions of the job and the labels.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "model/job.h"
#include "training/examples.h"
#include "training/trainer.h"

namespace muster {

/// The examples of `part`, ascending. `labels` are those of all training examples.
/// - iid: a keyed shuffle of all examples, cut into parts whose sizes differ by one at most.
/// - shards: examples ordered by label (then by index) are cut into parts * shards_per_part equal
///   runs, which a keyed shuffle deals out (McMahan 2017, section 3: "pathological non-IID").
/// - dirichlet: parts whose sizes differ by one at most, each with a mix of labels drawn from
///   Dirichlet(alpha * p), p the labels' shares of all examples (Hsu 2019, section 3). Parts take
///   turns to draw one label each from an urn of their own (Blackwell and MacQueen 1973, "Ferguson
///   Distributions via Polya Urn Schemes"), in whole numbers: label l weighs floor(floor(alpha *
///   2^31) * p_l), at least 1, and 2^31 more for each example of it that the part has. A label
///   none is left of is not drawn; until then each part is what Dirichlet-multinomial says. Which
///   example of the label it is, a keyed shuffle decides.
/// Errors: config_invalid (part beyond data.parts, fewer examples than parts, shards of unequal
/// size).
Result<std::vector<std::uint32_t>> PartIndices(const JobSpec& job,
                                               std::span<const std::uint8_t> labels,
                                               std::uint32_t part);

struct PartCounts {
  std::uint32_t part = 0;
  std::uint64_t examples = 0;
  std::array<std::uint64_t, kClassCount> per_label{};
  bool operator==(const PartCounts&) const = default;
};

/// What every part holds, in order. `labels` are those of all training examples. Errors: as
/// PartIndices.
Result<std::vector<PartCounts>> CountLabels(const JobSpec& job,
                                            std::span<const std::uint8_t> labels);

/// The same of the job's own labels. Errors: as PartIndices and LoadLabels.
Result<std::vector<PartCounts>> DescribeSplit(const JobSpec& job, const DataOptions& options);

/// The counts as a text table: a line of headings, a line for each of the first `rows_max` parts,
/// how many more there are if any, and a line of sums.
std::string RenderSplit(std::span<const PartCounts> parts, std::size_t rows_max);

}  // namespace muster
