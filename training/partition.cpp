#include "training/partition.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "common/random.h"
#include "training/shuffle.h"

namespace muster {

namespace {

Status CheckParts(const JobSpec& job, std::uint64_t examples) {
  const DataSpec& data = job.data;
  const auto refuse = [&](const std::string& what) {
    return Error{Reason::config_invalid, std::to_string(examples) + " training examples " + what};
  };
  if (examples < data.parts) {
    return refuse("are fewer than data.parts = " + std::to_string(data.parts));
  }
  if (data.partition != Partition::shards) return {};
  const std::uint64_t shards = std::uint64_t{data.parts} * data.shards_per_part;
  if (shards == 0 || examples % shards != 0) {
    return refuse("do not divide into data.parts * data.shards_per_part = " +
                  std::to_string(shards) + " equal shards");
  }
  return {};
}

std::vector<std::uint32_t> ShuffledNumbers(const JobSpec& job, std::string_view stream_name,
                                           std::uint64_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  KeyedStream stream(job.seed, stream_name, {});
  Shuffle(numbers, stream);
  return numbers;
}

using Parts = std::vector<std::vector<std::uint32_t>>;

Parts SplitIid(const JobSpec& job, std::uint64_t examples) {
  const std::vector<std::uint32_t> order = ShuffledNumbers(job, "partition_iid", examples);
  const std::uint64_t count = job.data.parts;
  Parts parts;
  for (std::uint64_t part = 0; part < count; ++part) {
    const auto begin = static_cast<std::ptrdiff_t>(part * examples / count);
    const auto end = static_cast<std::ptrdiff_t>((part + 1) * examples / count);
    parts.emplace_back(order.begin() + begin, order.begin() + end);
  }
  return parts;
}

Parts SplitShards(const JobSpec& job, std::span<const std::uint8_t> labels) {
  std::vector<std::uint32_t> by_label(labels.size());
  std::iota(by_label.begin(), by_label.end(), 0U);
  std::stable_sort(by_label.begin(), by_label.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return labels[a] < labels[b]; });
  const std::uint64_t shard_count = std::uint64_t{job.data.parts} * job.data.shards_per_part;
  const std::uint64_t shard_size = labels.size() / shard_count;
  const std::vector<std::uint32_t> deal = ShuffledNumbers(job, "partition_shards", shard_count);
  Parts parts(job.data.parts);
  for (std::uint64_t place = 0; place < shard_count; ++place) {
    std::vector<std::uint32_t>& part = parts[place / job.data.shards_per_part];
    const auto begin = by_label.begin() + static_cast<std::ptrdiff_t>(deal[place] * shard_size);
    part.insert(part.end(), begin, begin + static_cast<std::ptrdiff_t>(shard_size));
  }
  return parts;
}

// An urn of Polya for a part: at first label l lies in it with the share of alpha that it has of
// all examples, and whatever is drawn goes back with one more of it. What so many draws give is
// distributed as draws from a mix that was itself drawn from Dirichlet(alpha * shares); no
// logarithm or power is needed, so the draws are the same on every machine.
class Urn {
 public:
  using Counts = std::array<std::uint64_t, kClassCount>;

  Urn(double alpha, const Counts& all) {
    // Exact but for the fraction that falls away: the factor is a power of two.
    const auto units = static_cast<std::uint64_t>(alpha * static_cast<double>(kUnit));
    const std::uint64_t examples = std::accumulate(all.begin(), all.end(), std::uint64_t{0});
    for (std::size_t label = 0; label < kClassCount; ++label) {
      __extension__ using Wide = unsigned __int128;
      const Wide share = static_cast<Wide>(units) * all[label] / examples;
      // What is there can be drawn.
      weights_[label] = all[label] == 0 ? 0 : std::max<std::uint64_t>(1, share);
    }
  }

  /// A label of which something is left, which is one of all that are left.
  std::size_t Draw(const Counts& left, KeyedStream& stream) {
    std::uint64_t sum = 0;
    for (std::size_t label = 0; label < kClassCount; ++label) {
      if (left[label] > 0) sum += weights_[label];
    }
    std::uint64_t at = stream.Below(sum);
    std::size_t label = 0;
    for (; left[label] == 0 || at >= weights_[label]; ++label) {
      if (left[label] > 0) at -= weights_[label];
    }
    weights_[label] += kUnit;
    return label;
  }

 private:
  static constexpr std::uint64_t kUnit = 1ULL << 31;  ///< What one drawn example weighs.

  Counts weights_{};
};

Parts SplitDirichlet(const JobSpec& job, std::span<const std::uint8_t> labels) {
  std::array<std::vector<std::uint32_t>, kClassCount> pools;
  for (const std::uint32_t index : ShuffledNumbers(job, "partition_dirichlet", labels.size())) {
    pools[labels[index]].push_back(index);
  }
  Urn::Counts left{};
  for (std::size_t label = 0; label < kClassCount; ++label) left[label] = pools[label].size();
  std::vector<Urn> urns(job.data.parts, Urn(job.data.dirichlet_alpha, left));
  KeyedStream stream(job.seed, "partition_dirichlet_labels", {});
  Parts parts(job.data.parts);
  // In turns, so that no part gets only what the others left.
  for (std::uint64_t turn = 0; turn < labels.size(); ++turn) {
    const std::size_t part = turn % parts.size();
    const std::size_t label = urns[part].Draw(left, stream);
    parts[part].push_back(pools[label][--left[label]]);
  }
  return parts;
}

Parts Split(const JobSpec& job, std::span<const std::uint8_t> labels) {
  switch (job.data.partition) {
    case Partition::iid:
      return SplitIid(job, labels.size());
    case Partition::shards:
      return SplitShards(job, labels);
    case Partition::dirichlet:
      return SplitDirichlet(job, labels);
  }
  CheckFailed(__FILE__, __LINE__, "job.data.partition", "the job was not validated");
}

Result<Parts> SplitAll(const JobSpec& job, std::span<const std::uint8_t> labels) {
  MUSTER_TRY(CheckParts(job, labels.size()));
  Parts parts = Split(job, labels);
  for (std::vector<std::uint32_t>& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

std::string Cell(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

// One line; columns are as wide as the largest number of the table needs.
std::string Row(const std::string& head, const PartCounts& counts, std::size_t width) {
  std::string row = Cell(head, width) + "  " + Cell(std::to_string(counts.examples), width) + " ";
  for (const std::uint64_t count : counts.per_label) {
    row += " " + Cell(count == 0 ? "." : std::to_string(count), width);
  }
  return row + "\n";
}

}  // namespace

Result<std::vector<std::uint32_t>> PartIndices(const JobSpec& job,
                                               std::span<const std::uint8_t> labels,
                                               std::uint32_t part) {
  if (part >= job.data.parts) {
    return Error{Reason::config_invalid, "there is no part " + std::to_string(part) +
                                             " of the data: data.parts is " +
                                             std::to_string(job.data.parts)};
  }
  auto parts = SplitAll(job, labels);
  MUSTER_TRY(parts);
  return std::move((*parts)[part]);
}

Result<std::vector<PartCounts>> DescribeSplit(const JobSpec& job, const DataOptions& options) {
  const auto labels = LoadLabels(job, Split::train, options);
  MUSTER_TRY(labels);
  return CountLabels(job, *labels);
}

Result<std::vector<PartCounts>> CountLabels(const JobSpec& job,
                                            std::span<const std::uint8_t> labels) {
  const auto parts = SplitAll(job, labels);
  MUSTER_TRY(parts);
  std::vector<PartCounts> counts;
  for (const std::vector<std::uint32_t>& part : *parts) {
    PartCounts of_part{static_cast<std::uint32_t>(counts.size()), part.size(), {}};
    for (const std::uint32_t index : part) ++of_part.per_label[labels[index]];
    counts.push_back(of_part);
  }
  return counts;
}

std::string RenderSplit(std::span<const PartCounts> parts, std::size_t rows_max) {
  PartCounts sum;
  for (const PartCounts& part : parts) {
    sum.examples += part.examples;
    for (std::size_t label = 0; label < kClassCount; ++label) {
      sum.per_label[label] += part.per_label[label];
    }
  }
  const std::size_t width = std::max<std::size_t>(8, std::to_string(sum.examples).size());
  std::string text = Cell("part", width) + "  " + Cell("examples", width) + " ";
  for (std::size_t label = 0; label < kClassCount; ++label) {
    text += " " + Cell("'" + std::to_string(label) + "'", width);
  }
  text += "\n";
  const std::size_t rows = std::min(rows_max, parts.size());
  for (const PartCounts& part : parts.first(rows)) {
    text += Row(std::to_string(part.part), part, width);
  }
  if (rows < parts.size()) {
    text += Cell("...", width) + "  " + std::to_string(parts.size() - rows) + " more parts\n";
  }
  return text + Row("sum", sum, width);
}

}  // namespace muster
