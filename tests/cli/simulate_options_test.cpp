// What `muster simulate` takes from its words and its configuration, and what it refuses.
#include "cli/simulate_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/text.h"
#include "tests/cli/append_to.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

std::string WhySeedsAreRefused(const std::string& text) {
  const auto seeds = ParseSeeds(text);
  return seeds ? "" : seeds.error().message;
}

class SimulateConfigTest : public ::testing::Test {
 protected:
  Result<simulator::FixedOptions> Read(const std::string& text) {
    const std::string path = directory_ / NextName();
    AppendTo(path, text);
    Arguments arguments;
    arguments.config = path;
    return ReadFixed(arguments);
  }
  std::string WhyRefused(const std::string& text) {
    const auto fixed = Read(text);
    return fixed ? "" : fixed.error().message;
  }

 private:
  std::string NextName() { return std::to_string(++files_) + ".toml"; }

  TempDir directory_;
  int files_ = 0;
};

TEST(ParseSeeds, SaysWhatIsWrong) {
  const auto seeds = ParseSeeds("7..40");
  ASSERT_TRUE(seeds.has_value());
  EXPECT_EQ(*seeds, std::pair(std::uint64_t{7}, std::uint64_t{40}));
  EXPECT_EQ(ParseSeeds("0..18446744073709551615")->second, ~std::uint64_t{0});
  EXPECT_EQ(WhySeedsAreRefused(""), "--seeds '': write FIRST..LAST, as in --seeds 1..1000");
  EXPECT_THAT(WhySeedsAreRefused("1-9"), HasSubstr("write FIRST..LAST"));
  EXPECT_THAT(WhySeedsAreRefused("1..9x"), HasSubstr("write FIRST..LAST"));
  EXPECT_THAT(WhySeedsAreRefused("-1..9"), HasSubstr("write FIRST..LAST"));
  EXPECT_EQ(WhySeedsAreRefused("5..1"), "--seeds 5..1: 5 comes after 1");
  EXPECT_THAT(WhySeedsAreRefused("1..18446744073709551616"), HasSubstr("a seed is at most 184467"));
}

TEST_F(SimulateConfigTest, FixesWhatItNames) {
  const auto fixed = Read("participants = 5\nselect_from = \"present\"\n[chance]\nlose = 0\n");
  ASSERT_TRUE(fixed.has_value()) << fixed.error().Text();
  EXPECT_EQ(*fixed,
            (simulator::FixedOptions{{"participants", 5}, {"select_from", 1}, {"chance.lose", 0}}));
  EXPECT_TRUE(Read("[chance]\n").has_value());
}

// Every seed of a swarm would be the same run.
TEST_F(SimulateConfigTest, RefusesASeed) {
  EXPECT_THAT(WhyRefused("participants = 5\nseed = 5\n"), HasSubstr("toml:2: `seed` is what"));
}

TEST_F(SimulateConfigTest, RefusesAnotherType) {
  EXPECT_THAT(WhyRefused("participants = \"3\"\n"),
              HasSubstr("toml:1: `participants` must be a whole number, not the string \"3\""));
  EXPECT_THAT(WhyRefused("participants = 3.0\n"), HasSubstr("not the number 3"));
  EXPECT_THAT(WhyRefused("evaluate = true\n"),
              HasSubstr("`evaluate` must be \"off\" or \"on\", not true"));
  EXPECT_THAT(WhyRefused("store = 1\n"), HasSubstr("\"model\" or \"rocksdb\", not the integer 1"));
  EXPECT_THAT(WhyRefused("participants = 1\n"), HasSubstr("from 2 to 50"));
}

TEST_F(SimulateConfigTest, NamesTheNearestOption) {
  EXPECT_THAT(WhyRefused("\ngaol = 3\n"), HasSubstr("toml:2: there is no option `gaol`; did you"));
  EXPECT_THAT(WhyRefused("gaol = 3\n"), HasSubstr("`goal`?"));
  EXPECT_THAT(WhyRefused("[chance]\nlsoe = 3\n"), HasSubstr("did you mean `chance.lose`?"));
  EXPECT_THAT(WhyRefused("colour_of_the_sky = 3\n"), HasSubstr("--format json` prints all"));
}

TEST(ShellWord, IsQuotedWhereAShellWouldTakeItApart) {
  EXPECT_EQ(ShellWord("runs/storm-2.toml"), "runs/storm-2.toml");
  EXPECT_EQ(ShellWord("two words"), "'two words'");
  EXPECT_EQ(ShellWord("$HOME;it's"), "'$HOME;it'\\''s'");
  EXPECT_EQ(ShellWord(""), "''");
}

}  // namespace
}  // namespace muster::cli
