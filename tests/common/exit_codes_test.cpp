#include "common/exit_codes.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(ExitCodes, NumbersAreThoseOfTheReadme) {
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::finished)), 0);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::internal)), 1);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::config_invalid)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::config_changed)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::not_found)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::file_unreadable)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::file_malformed)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::too_large)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::restore_unfinished)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::draining)), 3);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::left)), 3);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::state_in_use)), 4);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::damage)), 5);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::split_brain)), 6);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::revoked)), 7);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::unknown_key)), 7);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::superseded)), 8);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::disk_full)), 9);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::attempts_exhausted)), 10);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::wrong_job)), 11);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::mirror_ahead)), 11);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::already_exists)), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Reason::replay_differs)), 13);
}

TEST(ExitCodes, OnlyWhatAnotherStartCannotMendIsHopeless) {
  for (const int code : {2, 5, 6, 7, 8, 10, 11}) EXPECT_TRUE(IsHopeless(code)) << code;
  for (const int code : {0, 1, 3, 4, 9, 77, 255}) EXPECT_FALSE(IsHopeless(code)) << code;
}

}  // namespace
}  // namespace muster
