// What a process of ours says by its exit code. The same table stands in the README.
#pragma once

#include "common/error.h"

namespace muster {

/// Scripts, service managers and `muster run` decide by these: never renumber.
enum class ExitCode : int {
  ok = 0,               ///< Finished; the command did what was asked.
  failure = 1,          ///< Anything not named below.
  usage = 2,            ///< The command line, the configuration or what they name cannot be used.
  drained = 3,          ///< Stopped on request; start again to resume.
  state_in_use = 4,     ///< Another process works on this state directory.
  damage = 5,           ///< Stored bytes are not those that were written.
  split_brain = 6,      ///< Two coordinators run on copies of one state.
  not_enrolled = 7,     ///< The key is not enrolled, was revoked, or belongs to another name.
  superseded = 8,       ///< A newer process of the same name took over.
  io_failed = 9,        ///< A disk failed or is full.
  exhausted = 10,       ///< attempts_max or the largest bound was reached.
  wrong_job = 11,       ///< The peer's job or lineage is not the one known here.
  not_replayed = 12,    ///< Verified, but what a replay needs is not on this machine.
  replay_differs = 13,  ///< What is stored is whole, but training again gives other bits.
};

ExitCode ExitCodeFor(Reason reason);

/// True if starting the same process again cannot help.
bool IsHopeless(int exit_code);

}  // namespace muster
