// What a process that runs a seed tells the one that asked for it, over a socket between them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "simulator/swarm/seed_run.h"

namespace muster::simulator {

enum class FrameKind : std::uint64_t {
  story,    ///< A line, as it happens.
  outcome,  ///< The run is over.
  crash,    ///< The process is about to end: a CrashFrame, then the faults as they lie in memory.
};

/// Before each frame, as it lies in memory: both ends are one program.
struct FrameHead {
  FrameKind kind = FrameKind::story;
  std::uint64_t bytes = 0;  ///< That follow.
};

struct CrashFrame {
  std::uint64_t hash = 0, events = 0, simulated = 0;
};

static_assert(std::is_trivially_copyable_v<Fault>, "they are written as they lie in memory");

std::string EncodeStoryLine(const StoryLine& line);
std::string EncodeOutcome(const SeedOutcome& outcome);

/// Nothing if `bytes` are not whole.
std::optional<StoryLine> DecodeStoryLine(std::string_view bytes);
std::optional<SeedOutcome> DecodeOutcome(std::string_view bytes);
/// With the ending crash, and without a sentence.
std::optional<SeedOutcome> DecodeCrash(std::string_view bytes);

}  // namespace muster::simulator
