#include "common/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <memory>
#include <set>

namespace muster {
namespace {

struct Numbered {
  std::uint8_t number;
  const char* name;
};

// Sent over the wire and stored: lines may be added here, never changed.
constexpr Numbered kForEver[] = {
    {1, "config_invalid"},
    {2, "flag_invalid"},
    {3, "file_unreadable"},
    {4, "file_malformed"},
    {5, "not_found"},
    {6, "already_exists"},
    {7, "config_changed"},
    {8, "state_in_use"},
    {9, "unsupported"},
    {20, "io_failed"},
    {21, "disk_full"},
    {22, "damage"},
    {23, "transport_failed"},
    {24, "connection_lost"},
    {25, "timeout"},
    {26, "cancelled"},
    {27, "process_died"},
    {28, "descriptors_exhausted"},
    {40, "unknown_key"},
    {41, "revoked"},
    {42, "identity_mismatch"},
    {43, "superseded"},
    {44, "no_session"},
    {45, "no_part"},
    {46, "handshake_failed"},
    {60, "protocol_unsupported"},
    {61, "wrong_job"},
    {62, "stale_epoch"},
    {63, "coordinator_older"},
    {64, "split_brain"},
    {65, "unknown_lineage"},
    {80, "malformed_message"},
    {81, "unexpected_message"},
    {82, "too_large"},
    {83, "checksum_mismatch"},
    {84, "digest_mismatch"},
    {85, "size_mismatch"},
    {86, "wrong_offset"},
    {87, "no_credit"},
    {100, "round_closed"},
    {101, "not_in_cohort"},
    {102, "already_accepted"},
    {103, "weight_invalid"},
    {104, "not_finite"},
    {105, "out_of_bound"},
    {106, "base_version_wrong"},
    {107, "busy"},
    {108, "not_held"},
    {120, "below_quorum"},
    {121, "deadline_passed"},
    {122, "attempts_exhausted"},
    {123, "bound_exhausted"},
    {124, "lease_expired"},
    {125, "draining"},
    {126, "finished"},
    {127, "left"},
    {128, "roster_changed"},
    {129, "trainer_not_deterministic"},
    {130, "replaced"},
    {131, "selected_from_present"},
    {132, "diverged"},
    {133, "lineage_forked"},
    {134, "replay_differs"},
    {135, "mode_async"},
    {136, "client_state_lost"},
    {137, "late_folded"},
    {255, "internal"},
};

TEST(ReasonTest, NumbersAndNamesNeverChange) {
  for (const Numbered& known : kForEver) {
    const auto reason = ReasonFromNumber(known.number);
    ASSERT_TRUE(reason.has_value()) << known.name;
    EXPECT_EQ(ReasonName(*reason), known.name);
    EXPECT_EQ(static_cast<std::uint8_t>(*reason), known.number);
  }
}

TEST(ReasonTest, EveryNumberIsANamedReasonOrNothing) {
  std::set<std::string_view> names;
  for (int number = 0; number < 256; ++number) {
    const auto reason = ReasonFromNumber(static_cast<std::uint8_t>(number));
    if (!reason) continue;
    const std::string_view name = ReasonName(*reason);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(name, "unknown_reason");
    EXPECT_FALSE(ReasonMeaning(*reason).empty()) << name;
    for (char c : name) EXPECT_TRUE(std::islower(c) || c == '_') << name;
  }
  EXPECT_GE(names.size(), std::size(kForEver));
}

TEST(ReasonTest, EveryNameLeadsBackToItsReason) {
  for (int number = 0; number < 256; ++number) {
    const auto reason = ReasonFromNumber(static_cast<std::uint8_t>(number));
    if (reason) {
      EXPECT_EQ(ReasonFromName(ReasonName(*reason)), reason);
    }
  }
  for (const char* stranger : {"", "unknown_reason", "Finished", "finished "}) {
    EXPECT_FALSE(ReasonFromName(stranger).has_value()) << stranger;
  }
}

TEST(ReasonTest, NumberOfAStrangerIsNothing) {
  EXPECT_FALSE(ReasonFromNumber(0).has_value());
  EXPECT_FALSE(ReasonFromNumber(254).has_value());
  EXPECT_EQ(ReasonName(static_cast<Reason>(254)), "unknown_reason");
  EXPECT_EQ(ReasonMeaning(static_cast<Reason>(254)), "unknown reason");
}

TEST(ErrorTest, TextBeginsWithTheReason) {
  EXPECT_EQ((Error{Reason::too_large, "the header has 9 bytes"}).Text(),
            "too_large: the header has 9 bytes");
}

Status TryTwice(const Status& first, Status second) {
  MUSTER_TRY(first);
  MUSTER_TRY(std::move(second));
  return {};
}

TEST(ErrorTest, TryReturnsTheFirstError) {
  const Status a = Error{Reason::busy, "a"};
  const Status b = Error{Reason::timeout, "b"};
  EXPECT_EQ(TryTwice(a, b).error().message, "a");
  EXPECT_EQ(TryTwice({}, b).error().message, "b");
  EXPECT_TRUE(TryTwice({}, {}).has_value());
  EXPECT_EQ(a.error().message, "a") << "a caller's constant error is copied, not emptied";
}

Result<int> ValueOf(Result<std::unique_ptr<int>> held) {
  MUSTER_TRY(held);  // compiles only if the result is not copied
  return **held;
}

TEST(ErrorTest, TryTakesResultsThatCannotBeCopied) {
  EXPECT_EQ(*ValueOf(std::make_unique<int>(7)), 7);
  EXPECT_EQ(ValueOf(Error{Reason::busy, "no"}).error().reason, Reason::busy);
}

TEST(ErrorTest, TryEvaluatesOnce) {
  int calls = 0;
  const auto fail_at_second = [&calls]() -> Status {
    const auto once = [&calls]() -> Status {
      if (++calls == 2) return Error{Reason::internal, "called twice"};
      return {};
    };
    MUSTER_TRY(once());
    return {};
  };
  EXPECT_TRUE(fail_at_second().has_value());
  EXPECT_EQ(calls, 1);
}

TEST(ErrorTest, BrokenInvariantEndsTheProcessWithPlaceAndText) {
  EXPECT_DEATH(MUSTER_CHECK(1 > 2, "order is gone"), "error_test.cpp:.*1 > 2: order is gone");
}

}  // namespace
}  // namespace muster
