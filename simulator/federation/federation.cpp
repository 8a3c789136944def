#include "simulator/federation/federation.h"

#include <utility>

namespace muster::simulator {
namespace {

constexpr Micros kStartMost = 50 * kMillisecond;

}  // namespace

std::vector<RosterEntry> MakeRoster(std::uint32_t count) {
  std::vector<RosterEntry> roster;
  for (RosterIndex i = 0; i < count; ++i) {
    RosterEntry entry{.index = i, .name = "site-" + std::to_string(i)};
    entry.key.bytes.fill(static_cast<std::byte>(i + 1));
    roster.push_back(entry);
  }
  return roster;
}

Federation::Federation(std::uint64_t seed, const Faults& faults, CoordinatorSetup setup)
    : world_(seed, faults),
      network_(world_),
      setup_(std::move(setup)),
      disk_(std::make_shared<VirtualDisk>(seed)),
      volume_(
          std::make_shared<DiskVolume>(disk_, setup_.state_dir, setup_.upkeep, setup_.state_key)) {
  MakeNodes();
}

Federation::Federation(World world, std::shared_ptr<StateVolume> volume, CoordinatorSetup setup)
    : world_(std::move(world)),
      network_(world_),
      setup_(std::move(setup)),
      volume_(std::move(volume)) {
  MakeNodes();
}

void Federation::MakeNodes() {
  observer_.Add(content_hash_);
  checkers_ = std::make_unique<Checkers>(world_, setup_, observer_);
  coordinator_ = std::make_unique<CoordinatorNode>(world_, network_, observer_, volume_, setup_);
  world_.phase = [this] { return coordinator_->phase(); };
  const Place home{&network_, &observer_};
  for (const RosterEntry& entry : setup_.roster) {
    participants_.push_back(std::make_unique<ParticipantNode>(world_, home, entry));
  }
  MakeEnemies();
  membership_ = std::make_unique<Membership>(world_, *coordinator_, home, participants_, setup_);
  twins_ = std::make_unique<Twins>(world_, *volume_, *coordinator_, home, participants_, setup_);
  misfortunes_ = std::make_unique<Misfortunes>(world_, *volume_, *coordinator_, observer_,
                                               participants_, *membership_, *twins_);
}

void Federation::MakeEnemies() {
  const Faults& faults = world_.faults();
  if (faults.hostile.empty() && faults.strangers == 0) return;
  const auto trainer = std::move(*CreateTrainer(setup_.job, 0, {}));
  const auto lanes = LanesOf(*CreateStrategy(setup_.job), trainer->layout());
  std::vector<std::string> names;
  for (const RosterEntry& entry : setup_.roster) names.push_back(entry.name);
  for (const RosterIndex who : faults.hostile) {
    hostiles_.push_back(std::make_unique<HostileNode>(world_, network_, setup_.roster.at(who),
                                                      names, lanes->layout()));
  }
  for (std::uint32_t i = 0; i < faults.strangers; ++i) {
    strangers_.push_back(std::make_unique<Stranger>(world_, network_, i, names));
  }
}

Federation::~Federation() = default;

RunResult Federation::Run(Micros patience) {
  Begin();
  world_.RunUntil([this] { return coordinator_->finished(); }, patience);
  return Finish();
}

void Federation::Begin() {
  for (const auto& participant : participants_) {
    const Actor actor = ActorOf(participant->index());
    world_.At(world_.Between(actor, 0, kStartMost), actor,
              [&node = *participant] { node.Start(); });
  }
  world_.At(world_.Between(kCoordinator, 0, kStartMost), kCoordinator,
            [this] { coordinator_->Start(); });
  misfortunes_->Begin();
  for (const auto& hostile : hostiles_) hostile->Start();
  for (const auto& stranger : strangers_) stranger->Start();
}

void Federation::SpareCore(const std::vector<RosterIndex>& core) {
  world_.schedule().Spare(kCoordinator);
  for (const RosterIndex who : core) {
    world_.schedule().Spare(ActorOf(who));
    network_.Clear(ActorOf(who));
  }
  misfortunes_->Spare(core);
}

std::vector<RosterIndex> Federation::AbleToServe() const {
  std::vector<RosterIndex> able;
  for (const auto& participant : participants_) {
    const RosterIndex index = participant->index();
    const bool hostile = world_.faults().hostile.contains(index);
    if (index < setup_.job.data.parts && !hostile) able.push_back(index);
  }
  return able;
}

RunResult Federation::Finish() {
  RunResult result;
  result.finished = coordinator_->finished();
  if (!result.finished) {
    result.waiting = coordinator_->Waiting();
    for (const auto& participant : participants_) result.waiting += "\n" + participant->Waiting();
  }
  // The power may have gone while the finished process closed its files.
  if (!volume_->powered()) volume_->Restart();
  result.damaged = coordinator_->damaged();
  if (result.finished && !result.damaged) JudgeEnd(result);
  if (result.damaged) {
    result.records.clear();
    JudgeDamaged();
  }
  Content content(world_.trace());
  content.Add(result.finished, result.damaged, result.records);
  result.happened = world_.happened();
  result.ended_at = world_.now();
  result.violations = world_.violations();
  return result;
}

void Federation::JudgeEnd(RunResult& result) {
  auto store = volume_->OpenStore(OpenMode::read_only);
  const auto rotten = [this](const Error& error) {
    return error.reason == Reason::damage && world_.flips().Explain(error.Text());
  };
  result.damaged = !store && rotten(store.error());
  if (result.damaged) return;
  if (!store) return world_.Violate("the finished state does not open: " + store.error().Text());
  const Status read = (*store)->ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    if (record.version > 0) result.records.push_back(record);
    return {};
  });
  result.damaged = !read && rotten(read.error());
  if (result.damaged) return;
  world_.Expect(read.has_value(), "the records cannot be read");
  const coordinator::CoordinatorOptions& options = setup_.options;
  const bool may_end_early = options.target_accuracy.has_value() || coordinator_->gave_up();
  const std::size_t commits = result.records.size();
  world_.Expect(may_end_early ? commits <= options.rounds : commits == options.rounds,
                "there is one commit a round");
  checkers_->Finish(**store);
  if (!result.records.empty()) result.digest = result.records.back().digest;
}

// All that the damage leaves: a database that does not open at all leaves nothing.
void Federation::JudgeDamaged() {
  auto store = volume_->OpenDamaged();
  if (store) return checkers_->FinishDamaged(**store);
  const Error& error = store.error();
  world_.Expect(error.reason == Reason::damage && world_.flips().Explain(error.Text()),
                "nothing can be read after damage: " + error.Text());
}

}  // namespace muster::simulator
