#include "common/exit_codes.h"

namespace muster {

ExitCode ExitCodeFor(Reason reason) {
  switch (reason) {
    case Reason::finished:
      return ExitCode::ok;
    case Reason::config_invalid:
    case Reason::flag_invalid:
    case Reason::config_changed:
    case Reason::file_unreadable:
    case Reason::file_malformed:
    case Reason::not_found:
    case Reason::unsupported:
    case Reason::wrong_state_key:
    case Reason::state_key_missing:
    case Reason::state_not_encrypted:
    case Reason::restore_unfinished:
    case Reason::already_exists:
    case Reason::no_part:
    case Reason::too_large:
    case Reason::weight_invalid:
      return ExitCode::usage;
    case Reason::draining:
    case Reason::left:
    case Reason::cancelled:
      return ExitCode::drained;
    case Reason::state_in_use:
      return ExitCode::state_in_use;
    case Reason::damage:
      return ExitCode::damage;
    case Reason::split_brain:
      return ExitCode::split_brain;
    case Reason::unknown_key:
    case Reason::revoked:
    case Reason::identity_mismatch:
      return ExitCode::not_enrolled;
    case Reason::superseded:
      return ExitCode::superseded;
    case Reason::io_failed:
    case Reason::disk_full:
      return ExitCode::io_failed;
    case Reason::attempts_exhausted:
    case Reason::bound_exhausted:
      return ExitCode::exhausted;
    case Reason::wrong_job:
    case Reason::mirror_ahead:
    case Reason::unknown_lineage:
    case Reason::protocol_unsupported:
      return ExitCode::wrong_job;
    case Reason::replay_differs:
      return ExitCode::replay_differs;
    default:
      return ExitCode::failure;
  }
}

bool IsHopeless(int exit_code) {
  switch (static_cast<ExitCode>(exit_code)) {
    case ExitCode::usage:
    case ExitCode::damage:
    case ExitCode::split_brain:
    case ExitCode::not_enrolled:
    case ExitCode::superseded:
    case ExitCode::exhausted:
    case ExitCode::wrong_job:
      return true;
    case ExitCode::ok:
    case ExitCode::failure:
    case ExitCode::drained:
    case ExitCode::state_in_use:
    case ExitCode::io_failed:
    case ExitCode::not_replayed:
    case ExitCode::replay_differs:
      return false;
  }
  return false;
}

}  // namespace muster
