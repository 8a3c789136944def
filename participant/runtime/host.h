// Participants as a process: one or many, each with its own identity, state directory and core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/run_outcome.h"
#include "training/trainer.h"
#include "transport/transport.h"

namespace muster {

struct ParticipantSpec {
  std::string name;  ///< As enrolled.
  /// Made if absent. Holds participant.key (made by `muster keygen`; must be there) and what
  /// outlives the process: state.bin, update.bin, position.bin, journal.jsonl, lock.
  std::string state_dir;
};

struct HostOptions {
  std::vector<ParticipantSpec> participants;
  /// The coordinator's endpoints.json, read again at each connect: a coordinator that was started
  /// anew elsewhere is found. Empty: `target`.
  std::string endpoints_file;
  ClientTransport::Target target;
  std::uint32_t threads = 1;  ///< Fits at a time, one thread each. At least 1.
  DataOptions data;
  /// Told of each participant (its place in `participants`) once, as soon as it has ended, in the
  /// thread of the caller; may be empty.
  std::function<void(std::size_t, const RunOutcome&)> on_end;
};

/// Takes part until every participant has ended; the outcomes are in the order of the participants.
/// Blocks; threads of its own are joined on return. A readable `signal_fd` (a signalfd or an
/// eventfd; -1: none) is a preemption notice to all: positions are saved, goodbyes said. A second
/// one does not wait for the running batches.
///
/// An outcome is finished, left, superseded, revoked, split_brain, io_failed, ...: one that ends
/// does not end the others. Errors, before any has begun: config_invalid (no participant, a name
/// twice), not_found (a key file), state_in_use, damage (state.bin), io_failed, transport_failed.
Result<std::vector<RunOutcome>> RunParticipants(const HostOptions& options, int signal_fd);

}  // namespace muster
