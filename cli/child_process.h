// Processes of this program, started by this program, that cannot outlive it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/restart_policy.h"
#include "common/error.h"

namespace muster::cli {

/// Starts this very program with `arguments` (without argv[0]); its output is appended to
/// `log_path`, its input is empty. It is killed when the calling process ends, however that ends,
/// and has a process group of its own: Ctrl-C reaches the caller alone.
/// REQUIRES: called from a thread that lives as long as the process (PR_SET_PDEATHSIG watches the
/// thread). Errors: io_failed.
Result<pid_t> StartChild(const std::vector<std::string>& arguments, const std::string& log_path);

/// How the child ended, or nothing while it runs. Collects it: at most one answer a pid.
std::optional<ChildExit> ReapChild(pid_t pid);

/// The last line of a log at or beyond `offset` that is not empty, shortened to what fits a
/// message; empty if there is none. Never fails: it explains another failure.
std::string LastLine(const std::string& log_path, std::uint64_t offset);

/// The size of the file, 0 if there is none.
std::uint64_t FileBytes(const std::string& path);

}  // namespace muster::cli
