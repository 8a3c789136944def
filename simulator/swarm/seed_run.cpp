#include "simulator/swarm/seed_run.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <utility>

#include "common/random.h"
#include "simulator/federation/federation.h"
#include "simulator/store/disk_volume.h"
#include "simulator/store/model_volume.h"
#include "simulator/swarm/crash_guard.h"
#include "simulator/swarm/liveness_budget.h"

namespace muster::simulator {
namespace {

/// Within it the operator has let in again whom he threw out and the job needs.
constexpr Micros kLetInPatience = 120'000 * kMillisecond;
/// Most steps change nothing of what it waits for.
constexpr std::uint64_t kLookEvery = 4;

/// Looks on: how far the run is, which states it enters.
class Progress : public Watcher {
 public:
  Progress(World& world, std::uint64_t parts) : world_(world), parts_(parts) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) override {
    commits_ = std::max(commits_, recovered.head ? recovered.head->version : 0);
  }
  void OnWritten(const Batch& batch) override {
    for (const Mutation& mutation : batch.mutations) {
      const auto* record = std::get_if<PutRoundRecord>(&mutation);
      if (record == nullptr || record->record.version <= commits_) continue;
      commits_ = record->record.version;
      on_commit(commits_);
    }
  }
  void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override {
    if (++steps_ % kLookEvery != 0) return;
    const auto wait = core.Waiting(now, coordinator::WaitDetail::brief);
    ++states_.coordinator[{wait.phase, wait.kind}];
  }
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override {
    const auto* stop = std::get_if<participant::Stop>(&effect);
    if (stop == nullptr || stop->reason != Reason::no_part || who >= parts_) return;
    world_.Violate("P8: participant " + std::to_string(who) +
                   " has a part and is told it has none");
  }
  void OnParticipantStepped(RosterIndex /*who*/, const participant::ParticipantCore& core,
                            MonotonicMs /*now*/) override {
    ++activities_.at(static_cast<std::size_t>(core.activity()));
  }

  /// Called with each commit.
  std::function<void(Version)> on_commit;

  Version commits() const { return commits_; }
  StatesEntered Entered() const {
    StatesEntered entered = states_;
    for (std::size_t i = 0; i < activities_.size(); ++i) {
      if (activities_[i] > 0) {
        entered.participants[static_cast<participant::Activity>(i)] = activities_[i];
      }
    }
    return entered;
  }

 private:
  World& world_;
  const std::uint64_t parts_;
  Version commits_ = 0;
  std::uint64_t steps_ = 0;
  StatesEntered states_;
  std::array<std::uint64_t, static_cast<std::size_t>(participant::Activity::stopped) + 1>
      activities_{};
};

std::shared_ptr<StateVolume> MakeVolume(const SeedRun& run) {
  const std::uint64_t seed = run.options.seed;
  if (run.options.store == static_cast<std::uint64_t>(Tier::model)) {
    return std::make_shared<ModelVolume>(seed);
  }
  return std::make_shared<DiskVolume>(std::make_shared<VirtualDisk>(seed), run.state_dir,
                                      checkpoint::Upkeep::by_hand, StateKey());
}

World MakeWorld(const SeedRun& run) {
  const SwarmOptions& options = run.options;
  const Faults faults = FaultsOf(options);
  World world(options.seed, faults,
              run.faults ? Schedule(*run.faults) : Schedule(options.seed, faults.chances));
  if (run.tell_story) world.TellStory(run.on_story);
  return world;
}

/// A quorum of `able`, ascending.
std::vector<RosterIndex> DrawCore(const SwarmOptions& options, std::vector<RosterIndex> able) {
  KeyedStream stream(options.seed, "core", {});
  for (std::size_t i = 0; i < options.quorum; ++i) {
    std::swap(able[i], able[i + stream.Below(able.size() - i)]);
  }
  able.resize(options.quorum);
  std::ranges::sort(able);
  return able;
}

class Run {
 public:
  explicit Run(const SeedRun& run)
      : run_(run),
        federation_(MakeWorld(run), MakeVolume(run), SetupOf(run.options, run.state_dir)),
        running_(federation_.world()),
        progress_(federation_.world(), run.options.parts) {
    federation_.observer().Add(progress_);
    progress_.on_commit = [this](Version version) { AfterCommit(version); };
  }

  SeedOutcome Play() {
    World& world = federation_.world();
    federation_.Begin();
    const SwarmOptions& options = run_.options;
    Until([&] { return progress_.commits() >= options.safety_rounds; },
          static_cast<Micros>(options.safety_ms) * kMillisecond);
    // Whom the operator threw out he lets in again where the job needs them.
    Until([&] { return Able().size() >= options.quorum; }, world.now() + kLetInPatience);
    if (Goes() && Able().size() >= options.quorum) {
      Heal();
      Live();
    }
    return Judge(federation_.Finish());
  }

 private:
  bool Goes() {
    return federation_.world().violations().empty() && !federation_.coordinator().finished();
  }
  bool InCircles() {
    return federation_.world().happened().events - events_at_commit_ > run_.events_most;
  }

  /// Until something goes in circles, too: in the safety phase that only ends it.
  template <typename Done>
  bool Until(Done done, Micros limit) {
    return federation_.world().RunUntil(
        [&] { return federation_.coordinator().finished() || InCircles() || done(); }, limit);
  }

  /// Commit by commit, each within its own budget.
  void Live() {
    World& world = federation_.world();
    events_at_commit_ = world.happened().events;
    clock_.emplace(run_.options, progress_.commits(), world.now());
    if (run_.at_liveness) run_.at_liveness(federation_, core_);
    Version before = 0;
    do {
      before = progress_.commits();
      Until([&] { return progress_.commits() > before; }, clock_->limit());
    } while (Goes() && progress_.commits() > before);
    clock_->OnEnd(world.now());
  }

  void AfterCommit(Version version) {
    events_at_commit_ = federation_.world().happened().events;
    if (clock_) clock_->OnCommit(version, federation_.world().now());
    UpkeepAfter(version);
  }

  /// The database flushes and merges between two steps, when the run and not its threads say so.
  void UpkeepAfter(Version version) {
    const std::uint64_t every = run_.options.upkeep_every;
    if (every == 0 || version % every != 0) return;
    World& world = federation_.world();
    world.At(world.now(), kCoordinator, [this] { federation_.coordinator().RunUpkeep(); });
  }

  /// Those who can deliver, and may.
  std::vector<RosterIndex> Able() const {
    std::vector<RosterIndex> able = federation_.AbleToServe();
    const std::uint64_t harmful = run_.options.stalled + run_.options.hostile;
    std::erase_if(able, [&](RosterIndex who) { return who < harmful; });
    return able;
  }

  void Heal() {
    World& world = federation_.world();
    core_ = DrawCore(run_.options, Able());
    federation_.SpareCore(core_);
    if (!world.telling()) return;
    std::string names;
    for (const RosterIndex who : core_) names += " site-" + std::to_string(who);
    world.Tell(kCoordinator, "LIVENESS: from now on nothing new goes wrong with it and" + names);
  }

  std::string WhyNotFinished() {
    const std::string at = "version " + std::to_string(progress_.commits()) + " of " +
                           std::to_string(run_.options.rounds);
    if (core_.empty()) return "no core: " + at;
    if (InCircles()) {
      return at + " goes in circles: " + std::to_string(run_.events_most) +
             " events without a commit";
    }
    return at + " at the end of its budget";
  }

  SeedOutcome Judge(const RunResult& result) {
    World& world = federation_.world();
    SeedOutcome outcome;
    if (!result.violations.empty()) {
      outcome.ending = Ending::correctness;
      outcome.what = result.violations.front();
    } else if (!result.finished) {
      outcome.ending = Ending::liveness;
      outcome.what = WhyNotFinished() + ": " + result.waiting;
    }
    outcome.damaged = result.damaged;
    outcome.hash = world.hash();
    outcome.commits = progress_.commits();
    outcome.events = result.happened.events;
    outcome.simulated = world.now();
    outcome.faults = world.schedule().happened();
    outcome.coverage = world.coverage();
    outcome.states = progress_.Entered();
    for (const auto& [name, looks] : federation_.looks()) outcome.looks[name] = looks;
    outcome.story = world.story();
    outcome.core = core_;
    if (clock_) outcome.budget_used_permille = clock_->used_permille();
    return outcome;
  }

  const SeedRun& run_;
  Federation federation_;
  RunningSeed running_;
  Progress progress_;
  std::vector<RosterIndex> core_;
  std::optional<LivenessClock> clock_;  ///< Of the liveness phase.
  std::uint64_t events_at_commit_ = 0;  ///< So many had happened at the last one.
};

}  // namespace

std::string_view EndingName(Ending ending) {
  constexpr std::array<std::string_view, 6> kNames = {"clean",    "uncovered",   "nondeterministic",
                                                      "liveness", "correctness", "crash"};
  return kNames.at(static_cast<std::size_t>(ending));
}

std::string FailureName(const SeedOutcome& outcome) {
  std::string name(EndingName(outcome.ending));
  if (outcome.ending != Ending::correctness) return name;
  name += ' ';
  // "P2 exactly once: what is wrong" or a sentence.
  for (const char c : outcome.what.substr(0, outcome.what.find(':'))) {
    if (name.ends_with(" P") || !std::isdigit(static_cast<unsigned char>(c))) name += c;
  }
  return name;
}

SeedOutcome RunSeed(const SeedRun& run) { return Run(run).Play(); }

}  // namespace muster::simulator
