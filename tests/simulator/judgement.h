// A sound run, and what checkers say of it when they are told something else than what happened.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simulator/check/checkers.h"
#include "simulator/federation/federation.h"
#include "tests/simulator/doctor.h"
#include "tests/support/temp_dir.h"

namespace muster::simulator {

inline constexpr std::uint32_t kParticipants = 3;
inline constexpr Round kRounds = 3;
inline constexpr Micros kPatience = 3'600'000 * kMillisecond;

inline CoordinatorSetup MakeSetup() {
  CoordinatorSetup setup;
  setup.job.seed = 8;
  setup.job.model.kind = ModelKind::synthetic;
  setup.job.model.hidden = {};
  setup.job.model.parameters = 300;
  setup.job.data.source = DataSource::none;
  setup.job.data.parts = kParticipants;
  setup.job.round.goal = kParticipants - 1;
  setup.job.round.quorum = kParticipants - 1;
  setup.job.round.over_select = 1.5;
  setup.job.strategy.server_momentum = 0.5;
  setup.options.rounds = kRounds;
  setup.options.deadline_ms = 30'000;
  setup.options.lease_ms = 2'000;
  setup.roster = MakeRoster(kParticipants);
  return setup;
}

struct Judgement {
  std::vector<std::string> violations;
  Looks looks;
};

/// A run with a power cut of the coordinator after version 1, as the treated checkers see it; they
/// may be told of another setup than it has, and of what else happened.
inline Judgement Judge(const Treatment& treatment, CoordinatorSetup setup = MakeSetup(),
                       std::optional<CoordinatorSetup> told = std::nullopt,
                       const Happened& happened = {}) {
  static const TempDir state_dir;
  setup.state_dir = state_dir.path();
  if (!told) told = setup;
  World judge(1, {});
  judge.happened() = happened;
  Observer patients;
  Checkers checkers(judge, *told, patients);
  Doctor doctor(treatment, patients);
  Federation federation(1, {}, setup);
  federation.observer().Add(doctor);
  bool killed = false;
  federation.observer().on_progress = [&](Version head, Attempt) {
    if (head != 1 || std::exchange(killed, true)) return;
    federation.world().At(federation.world().now() + kMillisecond, kCoordinator,
                          [&] { federation.coordinator().Die(/*machine=*/true, Unsynced::lost); });
  };
  const RunResult run = federation.Run(kPatience);
  EXPECT_TRUE(run.finished) << run.waiting;
  EXPECT_THAT(run.violations, ::testing::IsEmpty());
  EXPECT_TRUE(killed);
  // The federation's own checkers have looked at the store's end; these look at it too.
  federation.disk().Restart();
  DiskVolume volume(federation.shared_disk(), setup.state_dir, setup.upkeep, {});
  auto store = volume.OpenStore(OpenMode::read_only);
  EXPECT_TRUE(store.has_value());
  if (store) checkers.Finish(**store);
  return {judge.violations(), checkers.looks()};
}

inline void ExpectRefused(const Treatment& treatment, const std::string& text,
                          const CoordinatorSetup& setup = MakeSetup()) {
  EXPECT_THAT(Judge(treatment, setup).violations, ::testing::Contains(::testing::HasSubstr(text)));
}

}  // namespace muster::simulator
