#include "simulator/swarm/shrink.h"

#include <algorithm>
#include <array>
#include <utility>

#include "simulator/swarm/swarm_keys.h"

namespace muster::simulator {
namespace {

/// Which options are made smaller, and to what they go at least.
struct Smaller {
  std::uint64_t SwarmOptions::*member;
  std::uint64_t least;
};
constexpr std::array kSmaller = {
    Smaller{&SwarmOptions::rounds, 1},        Smaller{&SwarmOptions::safety_rounds, 1},
    Smaller{&SwarmOptions::stalled, 0},       Smaller{&SwarmOptions::hostile, 0},
    Smaller{&SwarmOptions::strangers, 0},     Smaller{&SwarmOptions::momentum, 0},
    Smaller{&SwarmOptions::parameters, 1},    Smaller{&SwarmOptions::attempts_max, 0},
    Smaller{&SwarmOptions::upkeep_every, 0},  Smaller{&SwarmOptions::keep_every, 0},
    Smaller{&SwarmOptions::target, 0},        Smaller{&SwarmOptions::evaluate, 0},
    Smaller{&SwarmOptions::select_from, 0},   Smaller{&SwarmOptions::weights, 0},
    Smaller{&SwarmOptions::over_select, 100}, Smaller{&SwarmOptions::strategy, 0},
    Smaller{&SwarmOptions::client_state, 0},  Smaller{&SwarmOptions::deadline_k, 0},
    Smaller{&SwarmOptions::blocks, 0},
};

class Shrinker {
 public:
  Shrinker(const SeedRun& run, const SeedOutcome& failed,
           const std::function<SeedOutcome(const SeedRun&)>& play,
           const std::function<void(const ShrinkProgress&)>& on_progress,
           const std::function<bool()>& stopped)
      : run_(run),
        play_(play),
        on_progress_(on_progress),
        stopped_(stopped),
        name_(FailureName(failed)) {
    best_.schedule = {run.options, failed.faults};
    best_.outcome = failed;
  }

  Shrunk Shrink() {
    ShrinkParticipants();
    ShrinkFaults();
    // A smaller federation may need fewer faults, and fewer faults may allow a smaller one.
    do {
      improved_ = false;
      ShrinkParticipants();
      ShrinkOptions();
      if (improved_) ShrinkFaults();
    } while (improved_ && !best_.stopped);
    return best_;
  }

 private:
  /// Whether this fails alike; if so it is the best so far.
  bool Fails(const SwarmOptions& options, const std::vector<Fault>& faults) {
    if (!CheckOptions(options) || Stopped()) return false;
    ++best_.runs;
    const SeedRun run{options, faults, run_.state_dir, false};
    SeedOutcome outcome = play_(run);
    const bool fails = FailureName(outcome) == name_;
    if (fails) {
      improved_ = true;
      best_.schedule = {options, faults};
      best_.outcome = std::move(outcome);
    }
    if (on_progress_) {
      const SwarmOptions& o = best_.schedule.options;
      on_progress_({best_.runs, best_.schedule.faults.size(), o.participants, o.rounds});
    }
    return fails;
  }

  bool Stopped() {
    if (best_.runs >= kShrinkRunsMost || (stopped_ && stopped_())) best_.stopped = true;
    return best_.stopped;
  }

  void ShrinkFaults() {
    const SwarmOptions options = best_.schedule.options;
    if (best_.schedule.faults.empty() || Fails(options, {})) return;
    // Delta debugging asks for most of its runs while nearly all faults are left. Few runs show of
    // a whole kind or actor that it does not matter.
    for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
      DropAll([&](const Fault& fault) { return fault.kind == static_cast<FaultKind>(kind); });
    }
    for (Actor actor = 0; actor < kActorsMax; ++actor) {
      DropAll([&](const Fault& fault) { return fault.actor == actor; });
    }
    MinimizeFaults(
        best_.schedule.faults,
        [&](const std::vector<Fault>& faults) { return Fails(options, faults); },
        [&] { return Stopped(); });
  }

  void DropAll(const std::function<bool(const Fault&)>& drops) {
    std::vector<Fault> faults = best_.schedule.faults;
    if (std::erase_if(faults, drops) > 0) Fails(best_.schedule.options, faults);
  }

  void ShrinkOptions() {
    for (const SwarmKey& key : SwarmKeys()) {
      const auto smaller = std::ranges::find(kSmaller, key.member, &Smaller::member);
      if (key.member == nullptr) {
        ShrinkOption(key, 0);  // A listed fault needs no chance.
      } else if (smaller != kSmaller.end()) {
        ShrinkOption(key, smaller->least);
      }
    }
  }

  void ShrinkOption(const SwarmKey& key, std::uint64_t least) {
    while (key.Of(best_.schedule.options) > least) {
      SwarmOptions options = best_.schedule.options;
      const std::uint64_t now = key.Of(options);
      key.In(options) = least;
      if (!Fails(options, best_.schedule.faults)) least += (now - least + 1) / 2;
    }
  }

  /// All that counts participants goes down with them.
  void ShrinkParticipants() {
    for (std::uint64_t less = best_.schedule.options.participants / 2; less > 0;) {
      SwarmOptions options = best_.schedule.options;
      if (options.participants < kParticipantsLeast + less) {
        less /= 2;
        continue;
      }
      options.participants -= less;
      options.parts = std::min(options.parts, options.participants);
      options.goal = std::min(options.goal, options.parts);
      options.quorum = std::min(options.quorum, options.goal);
      options.over_select = std::min(
          options.over_select, std::max<std::uint64_t>(100, 100 * options.parts / options.goal));
      std::vector<Fault> faults = best_.schedule.faults;
      std::erase_if(faults, [&](const Fault& fault) {
        return fault.actor > options.participants &&
               fault.actor <= best_.schedule.options.participants;
      });
      if (!Fails(options, faults)) less /= 2;
    }
  }

  const SeedRun& run_;
  const std::function<SeedOutcome(const SeedRun&)>& play_;
  const std::function<void(const ShrinkProgress&)>& on_progress_;
  const std::function<bool()>& stopped_;
  const std::string name_;
  Shrunk best_;
  bool improved_ = false;
};

}  // namespace

std::vector<Fault> MinimizeFaults(std::vector<Fault> all,
                                  const std::function<bool(const std::vector<Fault>&)>& fails,
                                  const std::function<bool()>& stopped) {
  const auto may_go_on = [&] { return !stopped || !stopped(); };
  std::size_t parts = 2;
  while (all.size() >= 2) {
    const std::size_t count = std::min(parts, all.size());
    const auto from = [&](std::size_t part) {
      return all.begin() + static_cast<std::ptrdiff_t>(part * all.size() / count);
    };
    bool reduced = false;
    for (std::size_t part = 0; part < count && !reduced && may_go_on(); ++part) {
      std::vector<Fault> subset(from(part), from(part + 1));
      if (!fails(subset)) continue;
      all = std::move(subset);
      parts = 2;
      reduced = true;
    }
    for (std::size_t part = 0; part < count && count > 2 && !reduced && may_go_on(); ++part) {
      std::vector<Fault> complement(all.begin(), from(part));
      complement.insert(complement.end(), from(part + 1), all.end());
      if (!fails(complement)) continue;
      all = std::move(complement);
      parts = count - 1;
      reduced = true;
    }
    if (reduced) continue;
    if (count == all.size() || !may_go_on()) break;
    parts = std::min(2 * count, all.size());
  }
  return all;
}

Shrunk Shrink(const SeedRun& run, const SeedOutcome& failed,
              const std::function<SeedOutcome(const SeedRun&)>& play,
              const std::function<void(const ShrinkProgress&)>& on_progress,
              const std::function<bool()>& stopped) {
  return Shrinker(run, failed, play, on_progress, stopped).Shrink();
}

}  // namespace muster::simulator
