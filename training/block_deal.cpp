#include "training/block_deal.h"

#include <numeric>

#include "common/random.h"
#include "model/elastic.h"
#include "training/shuffle.h"

namespace muster {

Result<std::vector<std::uint32_t>> BlockDeal::ExamplesOf(const FitTask& task) {
  const auto range = BlockOf(job_, task.round, task.slot);
  MUSTER_TRY(range);
  const std::uint64_t epoch = ElasticRoundOf(job_, task.round).epoch;
  if (epoch_ != epoch) {
    order_.resize(job_.data.train_examples);
    std::iota(order_.begin(), order_.end(), 0U);
    KeyedStream stream(job_.seed, "deal", {epoch});
    Shuffle(order_, stream);
    epoch_ = epoch;
  }
  const auto at = [this](std::uint64_t place) {
    return order_.begin() + static_cast<std::ptrdiff_t>(place);
  };
  return std::vector<std::uint32_t>(at(range->begin), at(range->end));
}

}  // namespace muster
