// How many file descriptors a process of ours may need, and whether it may have them.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/error.h"

namespace muster {

/// Raises the soft limit to the hard one, as far as that is allowed. Children inherit it.
void RaiseOpenFileLimit();

/// What a coordinator holds at most with so many participants connected.
std::uint64_t CoordinatorFiles(std::uint64_t participants);

/// What a process that hosts so many participants holds at most.
std::uint64_t HostFiles(std::uint64_t participants);

/// Raises the limit and refuses where it stays below `need`: a process that runs out of descriptors
/// cannot accept a connection, and nobody learns why. `who`: "the coordinator (10 participants)".
/// Errors: config_invalid (names need, limit and what to do).
Status EnsureOpenFiles(std::string_view who, std::uint64_t need);

}  // namespace muster
