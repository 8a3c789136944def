// Which examples a gradient step of mode sync-sgd is computed on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/ids.h"

namespace muster {

/// Deals the examples of one slot to rounds. With b the batch size and p = ceil(examples / b),
/// round r (the first is 1) has batch (r - 1) mod p of epoch (r - 1) / p: every example once in p
/// rounds, in an order of the epoch's own, keyed by (job seed, "micro_batch", slot, epoch). A pure
/// function of these numbers; what is kept from call to call is the newest epoch's order, against
/// dealing anew. Not thread-safe.
class MicroBatches {
 public:
  /// REQUIRES: at least one index. `batch_size`: 0: all of them; more than there are: the same.
  MicroBatches(std::uint64_t seed, Slot slot, std::vector<std::uint32_t> indices,
               std::uint32_t batch_size);

  /// The indices of the round's examples; valid until the next call. REQUIRES: round >= 1.
  std::span<const std::uint32_t> Of(Round round);

 private:
  const std::uint64_t seed_;
  const Slot slot_;
  const std::vector<std::uint32_t> indices_;  ///< In the order given.
  const std::uint64_t batch_size_;
  std::vector<std::uint32_t> order_;
  std::uint64_t epoch_ = 0;  ///< Of order_, unless that is empty.
};

}  // namespace muster
