#include "simulator/check/pacing.h"

#include <algorithm>
#include <string>

#include "common/limits.h"

namespace muster::simulator {
namespace {

// The middle one of all, sorted; of an even number the upper one.
std::int64_t Middle(std::vector<std::int64_t> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

void Pacing::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  facts_.clear();
  chunk_of_.reset();
  uploads_.clear();
  tasks_.clear();
  times_.clear();
  deadlines_.clear();
  last_step_.reset();
  before_ = 0;
  if (const auto& open = recovered.open_round) {
    before_ = open->round;
    deadlines_[{open->round, open->attempt}] = open->deadline_ms;
  }
}

void Pacing::OnEvent(const coordinator::Event& event) {
  facts_.clear();
  chunk_of_.reset();
  if (const auto* received = std::get_if<coordinator::ChunkReceived>(&event)) {
    chunk_of_ = received->chunk.id;
  } else if (const auto* checked = std::get_if<coordinator::UploadChecked>(&event)) {
    if (const auto of = uploads_.find(checked->upload); of != uploads_.end()) {
      facts_.emplace_back(Whole{of->second});
    }
  }
}

void Pacing::OnEffect(const coordinator::Effect& effect) {
  if (const auto* store = std::get_if<coordinator::StoreChunk>(&effect)) {
    if (chunk_of_) uploads_[store->upload] = *chunk_of_;
  } else if (const auto* send = std::get_if<coordinator::Send>(&effect)) {
    const auto* task = std::get_if<TaskOrder>(&send->message);
    const auto to = task != nullptr ? sessions_.OwnerOf(send->link) : std::nullopt;
    if (to) facts_.emplace_back(Given{task->id, *to});
  } else if (const auto* notice = std::get_if<coordinator::Notice>(&effect)) {
    if (notice->kind != coordinator::NoticeKind::update_accepted) return;
    const auto& roster = ledger_.roster();
    const auto who = std::ranges::find(roster, notice->who, &RosterEntry::name);
    if (who != roster.end()) facts_.emplace_back(Accept{who->index});
  } else if (const auto* persist = std::get_if<coordinator::Persist>(&effect)) {
    for (const PutOpenRound* open : All<PutOpenRound>(persist->batch)) {
      facts_.emplace_back(open->round);
    }
  }
}

void Pacing::OnStepped(const coordinator::CoordinatorCore& /*core*/, MonotonicMs now) {
  if (last_step_ && now - *last_step_ > coordinator::kTickMsMax + limits::kLoopGapMsMax) {
    for (auto& [index, task] : tasks_) task.since += now - *last_step_;
  }
  last_step_ = now;
  for (const Fact& fact : facts_) {
    std::visit([&](const auto& one) { Take(one, now); }, fact);
  }
  facts_.clear();
}

void Pacing::Take(const Given& given, MonotonicMs now) {
  if (given.id.round <= before_) return;
  const auto task = tasks_.find(given.to);
  if (task == tasks_.end() || task->second.id != given.id) {
    tasks_[given.to] = {given.id, now, std::nullopt, false};
  }
}

void Pacing::Take(const Whole& whole, MonotonicMs now) {
  for (auto& [index, task] : tasks_) {
    if (task.id == whole.id) task.took_ms = now - task.since;
  }
}

void Pacing::Take(const Accept& accept, MonotonicMs /*now*/) {
  const auto task = tasks_.find(accept.from);
  if (task == tasks_.end() || !task->second.took_ms || task->second.counted) return;
  times_.push_back(*task->second.took_ms);
  task->second.counted = true;
}

std::int64_t Pacing::Expected(Attempt attempt) const {
  const coordinator::CoordinatorOptions& options = setup_.options;
  if (options.deadline == coordinator::DeadlineKind::fixed || times_.size() < 8) return 0;
  const auto most =
      static_cast<std::ptrdiff_t>(std::clamp<std::uint32_t>(4 * setup_.job.round.goal, 32, 1024));
  std::vector<std::int64_t> values(
      times_.end() - std::min(most, static_cast<std::ptrdiff_t>(times_.size())), times_.end());
  const std::int64_t median = Middle(values);
  for (std::int64_t& value : values) {
    value = value > median ? value - median : median - value;
  }
  const std::int64_t spread = std::max(Middle(values), median / 20);
  const std::int64_t thousandths = median * 1'000 + options.deadline_k_milli * spread;
  std::int64_t deadline = std::max<std::int64_t>((thousandths + 999) / 1'000, 1'000);
  for (Attempt i = 2; i <= attempt && deadline < options.deadline_ms; ++i) deadline += deadline;
  return std::min(deadline, options.deadline_ms);
}

void Pacing::Take(const OpenRound& round, MonotonicMs /*now*/) {
  const std::string text = "attempt " + std::to_string(round.attempt) + " of round " +
                           std::to_string(round.round) + " has a deadline of " +
                           std::to_string(round.deadline_ms) + " ms";
  const std::pair attempt(round.round, round.attempt);
  if (const auto first = deadlines_.find(attempt); first != deadlines_.end()) {
    Expect(first->second == round.deadline_ms,
           [&] { return text + " and had " + std::to_string(first->second) + " ms before"; });
    return;
  }
  deadlines_[attempt] = round.deadline_ms;
  const std::int64_t expected = Expected(round.attempt);
  Expect(expected == round.deadline_ms, [&] {
    return text + "; what " + std::to_string(times_.size()) + " updates took makes it " +
           std::to_string(expected) + " ms";
  });
}

}  // namespace muster::simulator
