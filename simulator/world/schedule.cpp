#include "simulator/world/schedule.h"

#include <algorithm>

namespace muster::simulator {
namespace {

/// Mixes by the finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom
/// Number Generators").
std::uint64_t Mix(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;

/// Of which the draws of one occasion are made; `mixed_seed` is the seed's part of it.
std::uint64_t MixOf(std::uint64_t mixed_seed, const Fault& occasion) {
  const std::uint64_t mixed = Mix(
      mixed_seed ^ ((static_cast<std::uint64_t>(occasion.kind) << 32U | occasion.actor) + kGolden));
  return Mix(mixed ^ (occasion.ordinal + kGolden));
}

std::uint64_t Draw(std::uint64_t mixed, std::uint64_t which) {
  return Mix(mixed ^ (which + kGolden));
}

double UnitOf(std::uint64_t number) { return static_cast<double>(number >> 11U) * 0x1p-53; }

}  // namespace

Schedule::Schedule(std::uint64_t seed, const Chances& chances)
    : mixed_seed_(Mix(seed + kGolden)), chances_(chances) {}

Schedule::Schedule(const std::vector<Fault>& list) : list_(list) { std::ranges::sort(*list_); }

std::optional<std::uint64_t> Schedule::Judge(FaultKind kind, Actor actor) {
  Fault occasion{kind, actor, occasions_.at(actor).at(static_cast<std::size_t>(kind))++, 0};
  const auto value = Decide(occasion);
  if (!value) return std::nullopt;
  occasion.value = *value;
  happened_.push_back(occasion);
  return value;
}

std::optional<std::uint64_t> Schedule::Decide(const Fault& occasion) const {
  const auto spared = [&] { return spared_.contains(occasion.actor); };
  if (list_) {
    const auto found = std::ranges::lower_bound(*list_, occasion);
    const bool listed = found != list_->end() && found->kind == occasion.kind &&
                        found->actor == occasion.actor && found->ordinal == occasion.ordinal;
    return listed && !spared() ? std::optional(found->value) : std::nullopt;
  }
  const std::uint64_t mixed = MixOf(mixed_seed_, occasion);
  if (UnitOf(Draw(mixed, 0)) >= chances_[occasion.kind] || spared()) return std::nullopt;
  return Draw(mixed, 1);
}

}  // namespace muster::simulator
