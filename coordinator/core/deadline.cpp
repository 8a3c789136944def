#include "coordinator/core/deadline.h"

#include <algorithm>

#include "common/text.h"

namespace muster::coordinator {
namespace {

/// Doubled so often it is beyond any deadline.
constexpr Attempt kDoublingsMax = 32;

// 1250 -> "1.25", 5000 -> "5": thousandths without the zeros at the end.
std::string ThousandthsText(std::int64_t thousandths) {
  std::string text = std::to_string(thousandths / 1'000);
  const std::int64_t rest = thousandths % 1'000;
  if (rest == 0) return text;
  std::string digits = std::to_string(1'000 + rest).substr(1);
  while (digits.back() == '0') digits.pop_back();
  return text + "." + digits;
}

// 4249 -> "4.2", 900 -> "0.9": cut after a tenth.
std::string TenthsText(std::int64_t value, std::int64_t whole) {
  return std::to_string(value / whole) + "." + std::to_string(value % whole * 10 / whole);
}

}  // namespace

std::int64_t AdaptDeadline(const DeadlineRule& rule, const PaceEstimate& pace, Attempt attempt) {
  if (rule.kind == DeadlineKind::fixed || pace.updates < kPaceUpdatesLeast) return 0;
  const std::int64_t spread = std::max(pace.mad_ms, pace.median_ms / kSpreadShareLeast);
  const std::int64_t slack = (spread * rule.k_milli + 999) / 1'000;
  std::int64_t deadline = std::max(pace.median_ms + slack, kAdaptiveDeadlineMsMin);
  for (Attempt i = 1; i < std::min(attempt, kDoublingsMax) && deadline < rule.most_ms; ++i) {
    deadline *= 2;
  }
  return std::min(deadline, rule.most_ms);
}

std::int64_t DeadlineInForce(const DeadlineRule& rule, std::int64_t adapted_ms) {
  if (rule.kind == DeadlineKind::fixed || adapted_ms == 0) return rule.most_ms;
  return std::min(adapted_ms, rule.most_ms);
}

std::string DeadlineText(const DeadlineRule& rule, std::int64_t adapted_ms,
                         const PaceEstimate& pace, Attempt attempt) {
  const std::string begin = "the deadline of " + ShortDuration(DeadlineInForce(rule, adapted_ms));
  if (rule.kind == DeadlineKind::fixed) return begin + " is fixed";
  if (adapted_ms == 0) {
    return begin + " is the longest allowed: " + std::to_string(pace.updates) + " of the " +
           std::to_string(kPaceUpdatesLeast) + " updates were seen that an adaptive one needs";
  }
  if (pace.updates == 0) return begin + " is adaptive, of an earlier start";
  std::string text = begin + " is adaptive: median " + ShortDuration(pace.median_ms) + " and MAD " +
                     ShortDuration(pace.mad_ms) + " of the last " +
                     Counted(pace.updates, "update") + ", k = " + ThousandthsText(rule.k_milli);
  if (attempt > 1) text += ", doubled with each attempt";
  return text;
}

std::string ShortDuration(std::int64_t ms) {
  constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  if (ms < kSecond) return std::to_string(ms) + " ms";
  if (ms < 100 * kSecond) return TenthsText(ms, kSecond) + " s";
  if (ms < 100 * kMinute) return TenthsText(ms, kMinute) + " min";
  return TenthsText(ms, kHour) + " h";
}

}  // namespace muster::coordinator
