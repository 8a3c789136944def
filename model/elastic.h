// Elastic data: which examples each slot of a round is. A pure function of job and round: who is
// there, who leaves and who crashes moves no example.
#pragma once

#include <cstdint>

#include "common/error.h"
#include "common/ids.h"
#include "model/job.h"

namespace muster {

/// The epochs are dealt anew into blocks of data.block_examples examples; only the last block of an
/// epoch may be shorter. A round takes the next round.goal blocks of its epoch, and the last round
/// of an epoch what is left, so that every example counts exactly once an epoch.
struct ElasticRound {
  std::uint64_t epoch = 0;        ///< 0 is the first.
  std::uint64_t first_block = 0;  ///< Of the epoch: that of slot 0.
  std::uint32_t blocks = 0;       ///< The slots of the round are 0 to blocks - 1.
};

/// Places in the order in which an epoch deals its examples: [begin, end), never empty.
struct BlockRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// REQUIRES of all: ValidateJob passes and data.access is elastic; round >= 1.
std::uint64_t BlocksPerEpoch(const DataSpec& data);
ElasticRound ElasticRoundOf(const JobSpec& job, Round round);
/// Errors: malformed_message (the round has no such slot).
Result<BlockRange> BlockOf(const JobSpec& job, Round round, Slot slot);

/// Whether a round's number says which of the examples it takes: blocks of elastic data, or in
/// sync-sgd batches of each part (training/micro_batch.h). A number that no round has is skipped.
bool DealsByRound(const JobSpec& job);

}  // namespace muster
