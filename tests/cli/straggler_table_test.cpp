#include "cli/straggler_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/runtime/straggler_json.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

coordinator::ParticipantStatus Member(const std::string& name,
                                      const coordinator::MemberPace& pace) {
  coordinator::ParticipantStatus member;
  member.name = name;
  member.pace = pace;
  return member;
}

coordinator::StatusView View() {
  coordinator::StatusView view;
  view.deadline.seen = {40, 2'000, 300};
  view.participants = {Member("quick", {30, 1'900, 2'000, 0, 0}),
                       Member("slow", {9, 5'000, 6'200, 3, 0}), Member("absent", {0, 0, 0, 0, 7}),
                       Member("twice", {5, 4'000, 4'000, 0, 0})};
  return view;
}

TEST(StragglerTableTest, NamesWhoIsBehindAndNobodyElse) {
  EXPECT_EQ(StragglerTable(coordinator::StragglersJson(View())),
            "\nstraggler  updates   took  of median  late  missed\n"
            "absent           0                       0       7\n"
            "slow             9  6.2 s      3.1 x     3       0\n"
            "twice            5  4.0 s      2.0 x     0       0\n"
            "an update took 2.0 s in the median, as far as the last coordinator process saw\n");
}

TEST(StragglerTableTest, IsEmptyWhereNobodyIsBehind) {
  coordinator::StatusView view = View();
  view.participants.resize(1);
  EXPECT_EQ(StragglerTable(coordinator::StragglersJson(view)), "");
  EXPECT_EQ(StragglerTable(""), "");
  EXPECT_EQ(StragglerTable("[1]"), "");
  EXPECT_EQ(StragglerTable(R"({"members":[3]})"), "");
}

TEST(StragglerTableTest, SixteenAreNamedAndTheOthersCounted) {
  coordinator::StatusView view;
  for (std::uint64_t i = 0; i < 20; ++i) {
    view.participants.push_back(Member("m" + std::to_string(i), {0, 0, 0, 0, i + 1}));
  }
  const std::string text = StragglerTable(coordinator::StragglersJson(view));
  EXPECT_THAT(text, HasSubstr("\nm19 "));
  EXPECT_THAT(text, HasSubstr("\nm4 "));
  EXPECT_EQ(text.find("\nm3 "), std::string::npos);
  EXPECT_THAT(text, HasSubstr("\nand 4 more\n"));
}

}  // namespace
}  // namespace muster::cli
