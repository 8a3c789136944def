#include "training/kernels.h"

#ifdef MUSTER_HAS_X86_V3_KERNELS
#include <cpuid.h>
#endif

#include "common/error.h"

namespace muster {

namespace {

#ifdef MUSTER_HAS_X86_V3_KERNELS
// __builtin_cpu_supports covers what the operating system must save too (AVX state), but not
// every member of the level by a name that both compilers know; the rest is asked of CPUID.
bool CpuIsX86V3() {
  const bool vectors = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                       __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kMovbeAndF16c = bit_MOVBE | bit_F16C;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
  const bool moves = (ecx & kMovbeAndF16c) == kMovbeAndF16c;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kLzcnt = 1U << 5;
  return vectors && moves && (ecx & kLzcnt) != 0;
}
#endif

}  // namespace

std::string_view InstructionSetName(InstructionSet set) {
  return set == InstructionSet::x86_v3 ? "x86-64-v3" : "baseline";
}

std::span<const InstructionSet> BuiltInstructionSets() {
  static constexpr InstructionSet kBuilt[] = {
      InstructionSet::baseline,
#ifdef MUSTER_HAS_X86_V3_KERNELS
      InstructionSet::x86_v3,
#endif
  };
  return kBuilt;
}

bool IsSupported(InstructionSet set) {
  if (set == InstructionSet::baseline) return true;
#ifdef MUSTER_HAS_X86_V3_KERNELS
  static const bool supported = CpuIsX86V3();
  return supported;
#else
  return false;
#endif
}

InstructionSet BestInstructionSet() {
  return IsSupported(InstructionSet::x86_v3) ? InstructionSet::x86_v3 : InstructionSet::baseline;
}

const KernelTable& Kernels(InstructionSet set) {
  MUSTER_CHECK(IsSupported(set), "kernels chosen that this machine cannot run");
#ifdef MUSTER_HAS_X86_V3_KERNELS
  if (set == InstructionSet::x86_v3) return *MusterKernelsX86V3();
#endif
  return *MusterKernelsBaseline();
}

}  // namespace muster
