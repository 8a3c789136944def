#include "coordinator/core/processes.h"

#include <algorithm>

#include "common/limits.h"

namespace muster::coordinator {

void Processes::OnWord(RosterIndex index, const Incarnation& incarnation,
                       std::uint64_t connection) {
  const auto newest = newest_.find(index);
  if (newest == newest_.end() || newest->second.incarnation == incarnation) return;
  if (connection < newest->second.connection) OnEnded(index, incarnation);
}

void Processes::OnFollowed(RosterIndex index, const Incarnation& incarnation,
                           std::uint64_t connection) {
  const auto [found, first] = newest_.try_emplace(index, Newest{incarnation, connection});
  if (first) return;
  Newest& newest = found->second;
  if (newest.incarnation == incarnation) {
    newest.connection = std::max(newest.connection, connection);
    return;
  }
  OnEnded(index, newest.incarnation);
  newest = {incarnation, connection};
}

void Processes::OnEnded(RosterIndex index, const Incarnation& incarnation) {
  const std::pair process(index, incarnation);
  if (!ended_.insert(process).second) return;
  ended_order_.push_back(process);
  if (ended_order_.size() > limits::kEndedIncarnationsMax) {
    ended_.erase(ended_order_.front());
    ended_order_.pop_front();
  }
}

}  // namespace muster::coordinator
