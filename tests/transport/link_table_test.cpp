// A link stands for one connection of one key, and a key holds a bounded number of them.
#include "transport/link_table.h"

#include <gtest/gtest.h>

#include "common/limits.h"

namespace muster {
namespace {

PublicKey KeyOf(int number) {
  PublicKey key;
  key.bytes[0] = static_cast<std::byte>(number);
  return key;
}

class Links : public testing::Test {
 protected:
  std::atomic<LinkId> next_{1};
  LinkTable table_{next_};
};

TEST_F(Links, ARouteOfAKeyKeepsItsLink) {
  const LinkId link = table_.LinkOf("a", KeyOf(1));
  EXPECT_EQ(table_.LinkOf("a", KeyOf(1)), link);
  ASSERT_NE(table_.RouteOf(link), nullptr);
  EXPECT_EQ(*table_.RouteOf(link), "a");
}

TEST_F(Links, ARouteThatAnotherKeyTookIsAnotherLink) {
  const LinkId before = table_.LinkOf("a", KeyOf(1));
  const LinkId after = table_.LinkOf("a", KeyOf(2));
  EXPECT_NE(before, after);
  EXPECT_EQ(table_.RouteOf(before), nullptr) << "nothing meant for the first goes to the second";
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(Links, AForgottenLinkIsNeverUsedAgain) {
  const LinkId link = table_.LinkOf("a", KeyOf(1));
  table_.Forget(link);
  table_.Forget(link);
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_NE(table_.LinkOf("a", KeyOf(1)), link);
}

TEST_F(Links, AKeyCannotFillTheTable) {
  const LinkId other = table_.LinkOf("other", KeyOf(2));
  for (int i = 0; i < 10'000; ++i) table_.LinkOf(std::to_string(i), KeyOf(1));
  EXPECT_EQ(table_.size(), limits::kLinksPerIdentityMax + 1);
  EXPECT_NE(table_.RouteOf(other), nullptr) << "others keep theirs";
}

}  // namespace
}  // namespace muster
