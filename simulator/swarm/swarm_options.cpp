#include "simulator/swarm/swarm_options.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/random.h"
#include "simulator/federation/federation.h"
#include "simulator/swarm/swarm_job.h"
#include "simulator/swarm/swarm_keys.h"

namespace muster::simulator {
namespace {

/// What a kind's chance is drawn from where it is on, per million occasions.
struct ChanceRange {
  FaultKind kind;
  std::uint64_t least, most;
};
constexpr std::array kChanceRanges = {
    ChanceRange{FaultKind::duplicate, 1'000, 100'000},
    ChanceRange{FaultKind::lose, 500, 50'000},
    ChanceRange{FaultKind::cut, 200, 10'000},
    ChanceRange{FaultKind::crash, 200, 10'000},
    ChanceRange{FaultKind::stop, 100, 3'000},
    ChanceRange{FaultKind::delay, 500, 20'000},
    ChanceRange{FaultKind::echo, 500, 20'000},
    ChanceRange{FaultKind::corrupt, 200, 10'000},
    ChanceRange{FaultKind::sever, 500, 20'000},
    ChanceRange{FaultKind::partition, 1'000, 30'000},
    ChanceRange{FaultKind::clog, 1'000, 30'000},
    ChanceRange{FaultKind::split, 2'000, 100'000},
    ChanceRange{FaultKind::stranger, 1'000, 200'000},
    ChanceRange{FaultKind::babble, 1'000, 200'000},
    ChanceRange{FaultKind::stale, 1'000, 200'000},
    ChanceRange{FaultKind::replay, 1'000, 200'000},
    ChanceRange{FaultKind::poison, 1'000, 200'000},
    ChanceRange{FaultKind::usurp, 1'000, 100'000},
    ChanceRange{FaultKind::flood, 1'000, 100'000},
    ChanceRange{FaultKind::impostor, 1'000, 100'000},
    ChanceRange{FaultKind::pause, 1'000, 20'000},
    ChanceRange{FaultKind::slow, 1'000, 20'000},
    ChanceRange{FaultKind::clock, 1'000, 20'000},
    ChanceRange{FaultKind::preempt, 1'000, 20'000},
    ChanceRange{FaultKind::leave, 500, 10'000},
    ChanceRange{FaultKind::disk_full, 1'000, 20'000},
    ChanceRange{FaultKind::disk_error, 1'000, 20'000},
    ChanceRange{FaultKind::rot, 500, 10'000},
    ChanceRange{FaultKind::twin, 2'000, 50'000},
    ChanceRange{FaultKind::enroll, 2'000, 60'000},
    ChanceRange{FaultKind::revoke, 1'000, 20'000},
    ChanceRange{FaultKind::new_key, 1'000, 20'000},
    ChanceRange{FaultKind::snatch, 1'000, 100'000},
    ChanceRange{FaultKind::member_full, 1'000, 20'000},
    ChanceRange{FaultKind::member_error, 1'000, 50'000},
    ChanceRange{FaultKind::member_rot, 1'000, 20'000},
    ChanceRange{FaultKind::train_fail, 1'000, 50'000},
    ChanceRange{FaultKind::backlog, 1'000, 50'000},
};
constexpr bool InOrder() {
  for (std::size_t i = 0; i < kChanceRanges.size(); ++i) {
    if (kChanceRanges[i].kind != static_cast<FaultKind>(i)) return false;
  }
  return true;
}
static_assert(kChanceRanges.size() == kFaultKinds, "a new kind needs a range here");
static_assert(InOrder(), "in the order of FaultKind");

/// Sends one update in two chunks, one float more than the first holds.
constexpr std::uint64_t kParametersOfTwoChunks = 65'537;
/// Such runs are long: with few participants only.
constexpr std::uint64_t kParticipantsWithTwoChunks = 8;
constexpr std::uint64_t kParticipantsOfLongRuns = 12;
/// An epoch of elastic data takes so many rounds at most.
constexpr std::uint64_t kEpochRounds = 3;
/// Of each option, what a stream is drawn from.
constexpr std::string_view kStream = "swarm ";

bool CorrectsLocalSteps(StrategyKind kind) {
  return kind == StrategyKind::fedprox || kind == StrategyKind::fednova ||
         kind == StrategyKind::scaffold;
}

/// Sets one option after the other: those that are fixed to what they are fixed to.
class Drawer {
 public:
  Drawer(std::uint64_t seed, const FixedOptions& fixed) : fixed_(fixed) { options_.seed = seed; }

  SwarmOptions Draw() {
    DrawCohort();
    DrawJob();
    DrawTimes();
    DrawFaults();
    DrawAccept();
    return options_;
  }

 private:
  /// Whether `percent` of the seeds do something, decided by the stream of the option.
  struct Dice {
    KeyedStream stream;
    std::uint64_t Between(std::uint64_t low, std::uint64_t high) {
      return low + stream.Below(std::max(high, low) - low + 1);
    }
    bool Percent(std::uint64_t percent) { return stream.Below(100) < percent; }
    /// Small ones are as likely as large ones: uniform in the number of binary digits.
    std::uint64_t Scaled(std::uint64_t low, std::uint64_t high) {
      std::uint64_t doublings = 0;
      while (low << doublings < high) ++doublings;
      const std::uint64_t from = low << stream.Below(doublings + 1);
      return std::min(high, Between(from, 2 * from));
    }
  };

  template <typename Make>
  void Set(std::uint64_t SwarmOptions::*member, Make make) {
    const auto& keys = SwarmKeys();
    const auto key = std::ranges::find(keys, member, &SwarmKey::member);
    Set(*key, make);
  }

  template <typename Make>
  void Set(const SwarmKey& key, Make make) {
    Dice dice{KeyedStream(options_.seed, std::string(kStream) + key.name, {})};
    const auto fixed = fixed_.find(key.name);
    key.In(options_) = fixed != fixed_.end() ? fixed->second : make(dice);
  }

  std::uint64_t Workers() const { return std::min(options_.parts, options_.participants); }
  StrategyKind Strategy() const { return kSwarmStrategies[options_.strategy]; }

  /// Whether nothing that is fixed keeps local steps of SGD on parts, accepted durably, from the
  /// job.
  bool HasLocalSteps() const {
    return std::ranges::none_of(std::array{"client_state", "mode", "accept", "blocks"},
                                [&](auto name) {
                                  const auto fixed = fixed_.find(name);
                                  return fixed != fixed_.end() && fixed->second != 0;
                                });
  }

  void DrawCohort() {
    SwarmOptions& o = options_;
    Set(&SwarmOptions::store, [](Dice&) { return static_cast<std::uint64_t>(Tier::model); });
    // The cube of a uniform number: half of the seeds have eight or fewer.
    Set(&SwarmOptions::participants, [](Dice& dice) {
      const double u = dice.stream.Unit();
      constexpr std::uint64_t kSpan = kParticipantsMost - kParticipantsLeast + 1;
      return kParticipantsLeast + static_cast<std::uint64_t>(u * u * u * kSpan);
    });
    Set(&SwarmOptions::parts, [&](Dice& dice) {
      if (dice.Percent(80)) return o.participants;
      return dice.Percent(50) ? dice.Between(1, o.participants)
                              : dice.Between(o.participants, o.participants + 4);
    });
    Set(&SwarmOptions::goal,
        [&](Dice& dice) { return dice.Percent(40) ? Workers() : dice.Between(1, Workers()); });
    Set(&SwarmOptions::quorum,
        [&](Dice& dice) { return dice.Percent(30) ? o.goal : dice.Between(1, o.goal); });
    Set(&SwarmOptions::over_select, [&](Dice& dice) {
      const std::uint64_t room = 100 * o.parts / std::max<std::uint64_t>(o.goal, 1);
      return dice.Percent(40) && room > 100 ? dice.Between(100, std::min<std::uint64_t>(room, 250))
                                            : std::uint64_t{100};
    });
    Set(&SwarmOptions::select_from, [](Dice& dice) -> std::uint64_t { return dice.Percent(35); });
  }

  void DrawJob() {
    SwarmOptions& o = options_;
    Set(&SwarmOptions::weights, [](Dice& dice) -> std::uint64_t { return dice.Percent(30); });
    Set(&SwarmOptions::momentum,
        [](Dice& dice) { return dice.Percent(50) ? 0 : dice.Between(10, 90); });
    Set(&SwarmOptions::strategy, [&](Dice& dice) {
      const std::uint64_t drawn =
          dice.Percent(40) ? 0 : dice.Between(1, kSwarmStrategies.size() - 1);
      const StrategyKind kind = kSwarmStrategies[drawn];
      const bool needs_momentum = kind == StrategyKind::nesterov && o.momentum == 0;
      return needs_momentum || (CorrectsLocalSteps(kind) && !HasLocalSteps()) ? 0 : drawn;
    });
    Set(&SwarmOptions::parameters, [&](Dice& dice) {
      const bool few = o.participants <= kParticipantsWithTwoChunks;
      if (few && dice.Percent(4)) return kParametersOfTwoChunks + dice.Between(0, 3'000);
      return dice.Percent(15) ? dice.Between(1'000, 5'000) : dice.Between(10, 400);
    });
    Set(&SwarmOptions::client_state, [&](Dice& dice) -> std::uint64_t {
      return dice.Percent(30) && !CorrectsLocalSteps(Strategy());
    });
    // Rounds that take all of an epoch, and such that end it with fewer blocks.
    Set(&SwarmOptions::blocks, [&](Dice& dice) {
      const bool of_each = o.client_state == 1 || Strategy() == StrategyKind::scaffold;
      return of_each || dice.Percent(70) ? 0 : dice.Between(1, kEpochRounds * o.goal);
    });
    Set(&SwarmOptions::keep_last,
        [](Dice& dice) { return dice.Percent(20) ? 0 : dice.Between(1, 6); });
    Set(&SwarmOptions::keep_every,
        [](Dice& dice) { return dice.Percent(60) ? 0 : dice.Between(2, 6); });
    Set(&SwarmOptions::evaluate, [](Dice& dice) -> std::uint64_t { return dice.Percent(50); });
    // A model that was not trained has 75 by the synthetic trainer's measure.
    Set(&SwarmOptions::target,
        [&](Dice& dice) { return o.evaluate == 1 && dice.Percent(30) ? dice.Between(73, 80) : 0; });
  }

  void DrawTimes() {
    SwarmOptions& o = options_;
    // A round of many costs more: the time goes to many seeds rather than to long ones.
    Set(&SwarmOptions::safety_rounds, [&](Dice& dice) {
      if (o.participants <= kParticipantsOfLongRuns) return dice.Between(8, 14);
      return o.participants <= 2 * kParticipantsOfLongRuns ? dice.Between(6, 10)
                                                           : dice.Between(4, 7);
    });
    // Some jobs end in the safety phase: the goodbyes suffer, too.
    Set(&SwarmOptions::rounds,
        [&](Dice& dice) { return o.safety_rounds + (dice.Percent(30) ? 0 : dice.Between(2, 4)); });
    Set(&SwarmOptions::safety_ms, [](Dice& dice) { return dice.Scaled(30'000, 240'000); });
    Set(&SwarmOptions::deadline_ms, [](Dice& dice) { return dice.Scaled(2'000, 16'000); });
    Set(&SwarmOptions::deadline_k,
        [&](Dice& dice) { return o.blocks > 0 || dice.Percent(60) ? 0 : dice.Between(5, 80); });
    Set(&SwarmOptions::lease_ms, [](Dice& dice) { return dice.Scaled(600, 10'000); });
    Set(&SwarmOptions::prepare_ms, [](Dice& dice) { return dice.Scaled(4, 1'000); });
    Set(&SwarmOptions::upkeep_every,
        [](Dice& dice) { return dice.Percent(25) ? 0 : dice.Between(2, 8); });
    // Few: only a round that comes to the last one shows what is said then.
    Set(&SwarmOptions::attempts_max,
        [](Dice& dice) { return dice.Percent(88) ? 0 : dice.Between(2, 6); });
  }

  void DrawFaults() {
    SwarmOptions& o = options_;
    Set(&SwarmOptions::stalled, [&](Dice& dice) {
      const std::uint64_t spare = Workers() > o.quorum ? Workers() - o.quorum : 0;
      return dice.Percent(88) ? 0 : std::min(spare, dice.Between(1, 3));
    });
    Set(&SwarmOptions::hostile, [&](Dice& dice) {
      const std::uint64_t needed = o.quorum + o.stalled;
      const std::uint64_t spare = Workers() > needed ? Workers() - needed : 0;
      return dice.Percent(60) ? 0 : std::min(spare, dice.Between(1, 4));
    });
    Set(&SwarmOptions::strangers,
        [](Dice& dice) { return dice.Percent(65) ? 0 : dice.Between(1, 3); });
    Set(&SwarmOptions::deaths_max, [](Dice& dice) { return dice.Between(1, 6); });
    for (const SwarmKey& key : SwarmKeys()) {
      if (key.member != nullptr) continue;
      const ChanceRange& range = kChanceRanges[key.fault];
      Set(key,
          [&](Dice& dice) { return dice.Percent(50) ? 0 : dice.Scaled(range.least, range.most); });
    }
  }

  void DrawAccept() {
    Set(&SwarmOptions::mode, [&](Dice& dice) -> std::uint64_t {
      const std::uint64_t drawn = dice.stream.Below(100);
      if (drawn < 15) return CorrectsLocalSteps(Strategy()) ? 0 : 1;
      const bool fits = options_.blocks == 0 && Strategy() != StrategyKind::scaffold;
      return drawn < 40 && fits ? 2 : 0;
    });
    Set(&SwarmOptions::accept, [&](Dice& dice) {
      const bool by_mode = dice.Percent(75) || Strategy() == StrategyKind::scaffold;
      const Accept chosen = dice.Percent(65) ? Accept::memory : Accept::durable;
      return static_cast<std::uint64_t>(by_mode ? Accept::by_mode : chosen);
    });
    Set(&SwarmOptions::memory_updates,
        [](Dice& dice) { return dice.Percent(50) ? 0 : dice.Between(2, 4); });
    Set(&SwarmOptions::late, [&](Dice& dice) -> std::uint64_t {
      const SwarmOptions& o = options_;
      const bool fits = o.mode == 0 && o.client_state == 0 && o.blocks == 0 &&
                        static_cast<Accept>(o.accept) != Accept::memory &&
                        Strategy() != StrategyKind::scaffold;
      return fits && dice.Percent(35);
    });
    Set(&SwarmOptions::staleness, [](Dice& dice) { return dice.Between(0, 2); });
    Set(&SwarmOptions::staleness_max,
        [](Dice& dice) { return dice.Percent(50) ? dice.Between(0, 2) : dice.Between(3, 20); });
    Set(&SwarmOptions::concurrency,
        [&](Dice& dice) { return dice.Percent(60) ? 0 : dice.Between(1, options_.participants); });
  }

  const FixedOptions& fixed_;
  SwarmOptions options_;
};

/// Of the job's one tensor, which begins and ends at whole alignments, and of FedNova's steps.
std::uint64_t UpdateBytes(const SwarmOptions& options) {
  constexpr std::uint64_t kAlign = limits::kTensorAlignmentBytes;
  const bool steps = kSwarmStrategies[options.strategy] == StrategyKind::fednova;
  return ((options.parameters * sizeof(float) + kAlign - 1) / kAlign + (steps ? 1 : 0)) * kAlign;
}

}  // namespace

Result<SwarmOptions> DrawOptions(std::uint64_t seed, const FixedOptions& fixed) {
  const auto own = fixed.find("seed");
  const SwarmOptions options = Drawer(own != fixed.end() ? own->second : seed, fixed).Draw();
  MUSTER_TRY(CheckOptions(options));
  return options;
}

Status CheckOptions(const SwarmOptions& options) {
  for (const SwarmKey& key : SwarmKeys()) {
    const std::uint64_t value = key.Of(options);
    if (value >= key.least && value <= key.most) continue;
    return Error{Reason::config_invalid, key.name + " = " + std::to_string(value) +
                                             ": must be from " + std::to_string(key.least) +
                                             " to " + std::to_string(key.most)};
  }
  MUSTER_TRY(ValidateJob(JobOf(options)));
  const std::size_t able = AbleParticipants(options).size();
  if (able < options.quorum) {
    return Error{Reason::config_invalid,
                 "quorum = " + std::to_string(options.quorum) + ": only " + std::to_string(able) +
                     " participants have a part, do not stall and mean no harm"};
  }
  if (options.deadline_k > 0 && options.blocks > 0) {
    return Error{Reason::config_invalid, "deadline_k: elastic data has fixed deadlines"};
  }
  if (options.target > 0 && options.evaluate == 0) {
    return Error{Reason::config_invalid, "target needs evaluate = on"};
  }
  return {};
}

std::vector<RosterIndex> AbleParticipants(const SwarmOptions& options) {
  std::vector<RosterIndex> able;
  for (std::uint64_t i = options.stalled + options.hostile;
       i < std::min(options.parts, options.participants); ++i) {
    able.push_back(static_cast<RosterIndex>(i));
  }
  return able;
}

CoordinatorSetup SetupOf(const SwarmOptions& options, const std::string& state_dir) {
  CoordinatorSetup setup;
  setup.job = JobOf(options);
  setup.options.rounds = options.rounds;
  setup.options.deadline_ms = static_cast<std::int64_t>(options.deadline_ms);
  if (options.deadline_k > 0) setup.options.deadline = coordinator::DeadlineKind::adaptive;
  setup.options.deadline_k_milli = static_cast<std::int64_t>(options.deadline_k) * 100;
  setup.options.lease_ms = static_cast<std::int64_t>(options.lease_ms);
  setup.options.attempts_max = static_cast<std::uint32_t>(options.attempts_max);
  setup.options.evaluate = options.evaluate == 1;
  if (options.target > 0) {
    setup.options.target_accuracy = static_cast<double>(options.target) / 100;
  }
  if (options.memory_updates > 0) {
    setup.options.memory_accept_bytes = options.memory_updates * UpdateBytes(options);
  }
  setup.options.retention = {options.keep_last, options.keep_every};
  setup.roster = MakeRoster(static_cast<std::uint32_t>(options.participants));
  setup.state_dir = state_dir;
  setup.prepare_ms = static_cast<std::int64_t>(options.prepare_ms);
  setup.upkeep = checkpoint::Upkeep::by_hand;
  return setup;
}

Faults FaultsOf(const SwarmOptions& options) {
  Faults faults;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    faults.chances[static_cast<FaultKind>(i)] =
        static_cast<double>(options.per_million[i]) / static_cast<double>(kMillion);
  }
  faults.deaths_max = static_cast<int>(options.deaths_max);
  for (std::uint64_t i = 0; i < options.stalled; ++i) {
    faults.stalled.insert(static_cast<RosterIndex>(i));
  }
  for (std::uint64_t i = 0; i < options.hostile; ++i) {
    faults.hostile.insert(static_cast<RosterIndex>(options.stalled + i));
  }
  faults.strangers = static_cast<std::uint32_t>(options.strangers);
  return faults;
}

}  // namespace muster::simulator
