#include "coordinator/core/late_rounds.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/text.h"

namespace muster::coordinator {

LateRounds::LateRounds(const RoundSpec& round, const std::vector<UnfinishedRound>& found)
    : fold_(round.late == LatePolicy::fold), staleness_max_(round.staleness_max) {
  for (const UnfinishedRound& one : found) rounds_.emplace(one.round, one);
}

void LateRounds::OnCommitted(const RoundRecord& record) {
  if (!fold_) return;
  rounds_.emplace(record.round, UnfinishedRound{record.round, record.parent, record.unfinished});
  std::erase_if(rounds_, [&](const auto& entry) {
    return record.version - entry.second.parent > staleness_max_;
  });
}

void LateRounds::OnRefused(const UpdateId& id) {
  const auto found = rounds_.find(id.round);
  if (found != rounds_.end()) std::erase(found->second.slots, id.slot);
}

std::optional<Version> LateRounds::BaseOf(Round round) const {
  const auto found = rounds_.find(round);
  return found == rounds_.end() ? std::nullopt : std::optional(found->second.parent);
}

std::optional<Refused> LateRounds::Judge(const UpdateId& id, Version base) const {
  const auto refuse = [](Reason reason, std::string text) {
    return Refused{.reason = reason, .text = std::move(text)};
  };
  if (!fold_) return refuse(Reason::round_closed, "the round ended without this update");
  const auto found = rounds_.find(id.round);
  if (found == rounds_.end()) {
    return refuse(Reason::too_stale, "more than " + Counted(staleness_max_, "version") +
                                         " were committed since its base, or it was gone back "
                                         "to an older one");
  }
  const UnfinishedRound& round = found->second;
  if (id.task != 0 || !std::ranges::binary_search(round.slots, id.slot)) {
    return refuse(Reason::round_closed, "its round left nothing of this slot to wait for");
  }
  if (base == round.parent) return std::nullopt;
  return refuse(Reason::base_version_wrong,
                "its round built on version " + std::to_string(round.parent));
}

}  // namespace muster::coordinator
