#include "training/micro_batch.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "training/shuffle.h"

namespace muster {

MicroBatches::MicroBatches(std::uint64_t seed, Slot slot, std::vector<std::uint32_t> indices,
                           std::uint32_t batch_size)
    : seed_(seed),
      slot_(slot),
      indices_(std::move(indices)),
      batch_size_(batch_size == 0 ? indices_.size()
                                  : std::min<std::uint64_t>(batch_size, indices_.size())) {
  MUSTER_CHECK(!indices_.empty(), "a slot without examples");
}

std::span<const std::uint32_t> MicroBatches::Of(Round round) {
  MUSTER_CHECK(round >= 1, "rounds begin with 1");
  const std::uint64_t per_epoch = (indices_.size() + batch_size_ - 1) / batch_size_;
  const std::uint64_t epoch = (round - 1) / per_epoch;
  if (order_.empty() || epoch != epoch_) {
    order_ = indices_;
    KeyedStream stream(seed_, "micro_batch", {slot_, epoch});
    Shuffle(order_, stream);
    epoch_ = epoch;
  }
  const std::uint64_t begin = (round - 1) % per_epoch * batch_size_;
  return std::span(std::as_const(order_))
      .subspan(begin, std::min<std::uint64_t>(batch_size_, order_.size() - begin));
}

}  // namespace muster
