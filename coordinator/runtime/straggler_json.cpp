#include "coordinator/runtime/straggler_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

namespace muster::coordinator {
namespace {

std::int64_t PercentOf(std::int64_t median_ms, const MemberPace& pace) {
  return median_ms > 0 ? pace.typical_ms * 100 / median_ms : 100;
}

}  // namespace

std::string StragglersJson(const StatusView& view) {
  const std::int64_t median_ms = view.deadline.seen.median_ms;
  std::vector<const ParticipantStatus*> behind;
  for (const ParticipantStatus& member : view.participants) {
    const MemberPace& pace = member.pace;
    const bool slow = pace.updates > 0 && PercentOf(median_ms, pace) >= kStragglerPercent;
    if (slow || pace.late > 0 || pace.missed > 0) behind.push_back(&member);
  }
  std::stable_sort(behind.begin(), behind.end(), [](const auto* a, const auto* b) {
    return std::tuple(b->pace.missed, b->pace.typical_ms, b->pace.late) <
           std::tuple(a->pace.missed, a->pace.typical_ms, a->pace.late);
  });
  nlohmann::json told = {
      {"median_ms", view.deadline.seen.updates > 0 ? nlohmann::json(median_ms) : nullptr},
      {"members", nlohmann::json::array()},
      {"more", behind.size() - std::min(behind.size(), kStragglersNamedMax)}};
  if (behind.size() > kStragglersNamedMax) behind.resize(kStragglersNamedMax);
  for (const ParticipantStatus* member : behind) {
    const MemberPace& pace = member->pace;
    nlohmann::json one = {{"name", member->name},  {"updates", pace.updates},
                          {"typical_ms", nullptr}, {"percent_of_median", nullptr},
                          {"late", pace.late},     {"missed", pace.missed}};
    if (pace.updates > 0) {
      one["typical_ms"] = pace.typical_ms;
      one["percent_of_median"] = PercentOf(median_ms, pace);
    }
    told["members"].push_back(std::move(one));
  }
  return told.dump();
}

}  // namespace muster::coordinator
