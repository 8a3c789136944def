// Asks a running coordinator of this machine, through the socket in its state directory.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/error.h"

namespace muster {

/// Sends one request, a JSON object without newlines, and returns the reply, another one:
///   {"command":"status"}                           -> {"ok":true,"job":...,"phase":..., ...}
///   {"command":"enroll_add","name":NAME,"key":Z85} -> {"ok":true,"index":N}
///   {"command":"enroll_remove","name":NAME}        -> {"ok":true,"index":N}
///   {"command":"enroll_ls"} -> {"ok":true,"roster":[{"index","name","key","revoked"}]}
///   {"command":"drain"}                            -> {"ok":true}
/// A refusal is a reply too: {"ok":false,"reason":REASON,"message":TEXT}.
/// Waits no longer than `timeout`, whatever the coordinator does.
/// Errors: not_found (no coordinator listens there), timeout, busy (it takes no connections),
/// connection_lost, io_failed, too_large.
Result<std::string> AskCoordinator(const std::string& state_dir, std::string_view request,
                                   std::chrono::milliseconds timeout);

}  // namespace muster
