#include "model/elastic.h"

#include <algorithm>
#include <string>

namespace muster {

std::uint64_t BlocksPerEpoch(const DataSpec& data) {
  return (data.train_examples + data.block_examples - 1) / data.block_examples;
}

ElasticRound ElasticRoundOf(const JobSpec& job, Round round) {
  const std::uint64_t blocks = BlocksPerEpoch(job.data);
  const std::uint64_t goal = job.round.goal;
  const std::uint64_t rounds = (blocks + goal - 1) / goal;
  ElasticRound place;
  place.epoch = (round - 1) / rounds;
  place.first_block = (round - 1) % rounds * goal;
  place.blocks = static_cast<std::uint32_t>(std::min(goal, blocks - place.first_block));
  return place;
}

Result<BlockRange> BlockOf(const JobSpec& job, Round round, Slot slot) {
  const ElasticRound place = ElasticRoundOf(job, round);
  if (slot >= place.blocks) {
    return Error{Reason::malformed_message,
                 "round " + std::to_string(round) + " has " + std::to_string(place.blocks) +
                     " blocks, and none of number " + std::to_string(slot)};
  }
  const std::uint64_t begin = (place.first_block + slot) * job.data.block_examples;
  return BlockRange{begin, std::min(begin + job.data.block_examples, job.data.train_examples)};
}

bool DealsByRound(const JobSpec& job) {
  return job.data.access == DataAccess::elastic || job.round.mode == Mode::sync_sgd;
}

}  // namespace muster
