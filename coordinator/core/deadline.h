// Which deadline an attempt gets, and why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/ids.h"

namespace muster::coordinator {

enum class DeadlineKind : std::uint8_t {
  fixed,     ///< Every attempt has deadline_ms.
  adaptive,  ///< What members took before decides, deadline_ms is the most.
};

/// With fewer updates seen an adaptive deadline is the longest allowed.
inline constexpr std::size_t kPaceUpdatesLeast = 8;
/// No adaptive deadline is shorter, but where the longest allowed is.
inline constexpr std::int64_t kAdaptiveDeadlineMsMin = 1'000;
/// Members who all take the same have no spread; a deadline at their median would cut off half of
/// them for a millisecond. So the spread counts as a twentieth of the median at least.
inline constexpr std::int64_t kSpreadShareLeast = 20;
/// Times that are remembered at most.
inline constexpr std::size_t kPaceUpdatesMax = 1'024;

/// What members took before. MAD: the median of the absolute deviations from the median (Hampel
/// 1974, "The Influence Curve and its Role in Robust Estimation"); up to half of the updates can be
/// stragglers' and move neither much.
struct PaceEstimate {
  std::size_t updates = 0;  ///< That were seen.
  std::int64_t median_ms = 0;
  std::int64_t mad_ms = 0;
};

/// The process's own rule; no part of the job.
struct DeadlineRule {
  DeadlineKind kind = DeadlineKind::fixed;
  std::int64_t most_ms = 60'000;
  std::int64_t k_milli = 5'000;  ///< Thousandths of k. At most kDeadlineKMilliMax.
};
inline constexpr std::int64_t kDeadlineKMilliMax = 1'000'000;

/// Of an attempt, decided when it opens and kept until it ends.
///
///   median + k * max(MAD, median / kSpreadShareLeast), in whole milliseconds, rounded up,
///
/// at least kAdaptiveDeadlineMsMin, at most `most_ms`. Each attempt of a round after the first has
/// twice the time of the one before, for one that ended below its quorum shows that the estimate is
/// too short. 0 where the rule is fixed or fewer than kPaceUpdatesLeast updates were seen: then it
/// is `most_ms`. Integers only. REQUIRES: attempt >= 1, times of at most limits::kDurationMsMax.
std::int64_t AdaptDeadline(const DeadlineRule& rule, const PaceEstimate& pace, Attempt attempt);

/// What the attempt has under this rule, of which AdaptDeadline said `adapted_ms` once: the rule
/// may have changed at a restart since.
std::int64_t DeadlineInForce(const DeadlineRule& rule, std::int64_t adapted_ms);

/// Which deadline is in force and why: "the deadline of 4.2 s is adaptive: median 2.1 s and MAD
/// 0.42 s of the last 64 updates, k = 5". `pace`: what it was computed from; no updates where that
/// was in an earlier life.
std::string DeadlineText(const DeadlineRule& rule, std::int64_t adapted_ms,
                         const PaceEstimate& pace, Attempt attempt);

/// "4.2 s", "350 ms", "12 min": short and for the eye.
std::string ShortDuration(std::int64_t ms);

}  // namespace muster::coordinator
