#include "cli/nearest.h"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(EditDistance, CountsInsertRemoveReplaceAndSwap) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("goal", "goals"), 1U);
  EXPECT_EQ(EditDistance("goal", "gal"), 1U);
  EXPECT_EQ(EditDistance("goal", "gool"), 1U);
  EXPECT_EQ(EditDistance("goal", "gaol"), 1U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
}

TEST(Nearest, PrefersASlipOfTheSameKey) {
  EXPECT_EQ(Nearest("round.gaol", {"round.quorum", "round.goal"}), "round.goal");
}

TEST(Nearest, FindsTheWordUnderItsRightSection) {
  EXPECT_EQ(Nearest("round.rounds", {"job.rounds", "round.goal"}), "job.rounds");
  EXPECT_EQ(Nearest("rounds", {"job.rounds", "round.goal"}), "job.rounds");
}

TEST(Nearest, IsSilentAboutAnotherWord) {
  EXPECT_EQ(Nearest("zebra", {"round.goal", "job.seed"}), std::nullopt);
  EXPECT_EQ(Nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace muster::cli
