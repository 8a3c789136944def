#include "coordinator/core/pace.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace muster::coordinator {
namespace {

constexpr std::size_t kRoundsRemembered = 4;
constexpr std::size_t kUpdatesRememberedLeast = 32;

void Remember(std::deque<std::int64_t>& times, std::int64_t time, std::size_t most) {
  times.push_back(time);
  if (times.size() > most) times.pop_front();
}

}  // namespace

std::int64_t Median(std::vector<std::int64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::size_t Pace::UpdatesMax(std::uint32_t goal) {
  return std::clamp(kRoundsRemembered * goal, kUpdatesRememberedLeast, kPaceUpdatesMax);
}

Pace::Task* Pace::Find(RosterIndex member, const UpdateId& id) {
  const auto found = members_.find(member);
  if (found == members_.end() || !found->second.task || found->second.task->id != id) {
    return nullptr;
  }
  return &*found->second.task;
}

void Pace::OnTask(RosterIndex member, const UpdateId& id, MonotonicMs now) {
  if (id.round <= untimed_) return;
  if (Find(member, id) == nullptr) members_[member].task = Task{id, now, std::nullopt, false};
}

void Pace::OnWhole(RosterIndex member, const UpdateId& id, MonotonicMs now) {
  if (Task* task = Find(member, id))
    task->took_ms = std::max<std::int64_t>(now - task->given_at, 0);
}

void Pace::OnAccepted(RosterIndex member, const UpdateId& id) {
  Task* task = Find(member, id);
  if (task == nullptr || !task->took_ms || std::exchange(task->counted, true)) return;
  const std::int64_t took_ms = *task->took_ms;
  Remember(times_, took_ms, updates_max_);
  Member& by = members_.at(member);
  Remember(by.times, took_ms, kMemberTimesMax);
  by.pace.updates += 1;
  by.pace.last_ms = took_ms;
  by.pace.typical_ms = Median({by.times.begin(), by.times.end()});
}

void Pace::OnLate(RosterIndex member, const UpdateId& id) {
  Member& by = members_[member];
  if (std::exchange(by.late, id) != id) by.pace.late += 1;
}

bool Pace::BeganAfter(RosterIndex member, MonotonicMs time) const {
  const auto found = members_.find(member);
  return found != members_.end() && found->second.task && found->second.task->given_at > time;
}

void Pace::OnMissed(RosterIndex member) { members_[member].pace.missed += 1; }

void Pace::OnGap(std::int64_t gap_ms) {
  for (auto& [index, member] : members_) {
    if (member.task) member.task->given_at += gap_ms;
  }
}

PaceEstimate Pace::Estimate() const {
  PaceEstimate pace;
  pace.updates = times_.size();
  std::vector<std::int64_t> values(times_.begin(), times_.end());
  pace.median_ms = Median(values);
  for (std::int64_t& value : values) value = std::abs(value - pace.median_ms);
  pace.mad_ms = Median(std::move(values));
  return pace;
}

MemberPace Pace::Of(RosterIndex member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? MemberPace() : found->second.pace;
}

}  // namespace muster::coordinator
