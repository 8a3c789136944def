// Decides which faults happen: drawn by a seed with given chances, or exactly those of a list.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "simulator/world/fault.h"

namespace muster::simulator {

/// The chance of each kind at each of its occasions, in [0, 1]. All 0: the undisturbed world.
class Chances {
 public:
  Chances() = default;
  Chances(std::initializer_list<std::pair<FaultKind, double>> given) {
    for (const auto& [kind, chance] : given) (*this)[kind] = chance;
  }
  double& operator[](FaultKind kind) { return of_.at(static_cast<std::size_t>(kind)); }
  double operator[](FaultKind kind) const { return of_.at(static_cast<std::size_t>(kind)); }

 private:
  std::array<double, kFaultKinds> of_{};
};

/// Each decision depends on (seed, kind, actor, ordinal) alone, so that leaving one fault out of a
/// list moves no other. What a drawn schedule decided, given as a list, gives the same run.
/// Not thread-safe.
class Schedule {
 public:
  Schedule(std::uint64_t seed, const Chances& chances);
  /// `list` in any order.
  explicit Schedule(const std::vector<Fault>& list);

  /// Whether the fault happens at this occasion, and the value drawn with it. Counts the occasion,
  /// but of a kind with no chance: so are about half of those that every step asks for.
  std::optional<std::uint64_t> Ask(FaultKind kind, Actor actor) {
    if (!list_ && chances_[kind] <= 0) return std::nullopt;
    return Judge(kind, actor);
  }

  /// From now on nothing happens to `actor`, drawn or listed.
  void Spare(Actor actor) { spared_.insert(actor); }

  /// In the order in which they happened.
  const std::vector<Fault>& happened() const { return happened_; }

 private:
  std::optional<std::uint64_t> Judge(FaultKind kind, Actor actor);
  std::optional<std::uint64_t> Decide(const Fault& occasion) const;

  std::uint64_t mixed_seed_ = 0;  ///< The seed's part of every draw, made once.
  Chances chances_;
  std::optional<std::vector<Fault>> list_;  ///< Ascending. None: drawn.
  std::array<std::array<std::uint64_t, kFaultKinds>, kActorsMax> occasions_{};
  std::set<Actor> spared_;
  std::vector<Fault> happened_;
};

}  // namespace muster::simulator
