// Which build of the dense kernels this machine runs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "training/kernel_table.h"

namespace muster {

/// The bits of a training depend on it: reports print it.
enum class InstructionSet : std::uint8_t {
  baseline,  ///< What the compiler assumes by itself; SSE2 on x86-64.
  x86_v3,    ///< x86-64-v3 of the x86-64 psABI: AVX2, FMA, BMI2, ...
};

/// "baseline" or "x86-64-v3".
std::string_view InstructionSetName(InstructionSet set);

/// Those that this build has kernels for.
std::span<const InstructionSet> BuiltInstructionSets();

/// True if this build has the kernels and this CPU can run them.
bool IsSupported(InstructionSet set);

/// The best supported one: what CreateTrainer takes.
InstructionSet BestInstructionSet();

/// The kernels' functions; they live as long as the process. REQUIRES: IsSupported(set).
const KernelTable& Kernels(InstructionSet set);

}  // namespace muster
