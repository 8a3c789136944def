#include "cli/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

PublicKey Key(std::uint8_t number) {
  PublicKey key;
  key.bytes[0] = std::byte{number};
  return key;
}

TEST(Enrol, GivesTheNextFreeIndex) {
  std::vector<RosterEntry> roster = {{0, "a", Key(1), false}, {4, "b", Key(2), true}};
  const auto entry = Enrol(roster, "c", Key(3));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->index, 5U);
  EXPECT_EQ(roster.size(), 3U);
}

TEST(Enrol, FirstIndexIsZero) {
  std::vector<RosterEntry> roster;
  EXPECT_EQ(Enrol(roster, "a", Key(1))->index, 0U);
}

TEST(Enrol, NewKeyKeepsTheIndex) {
  std::vector<RosterEntry> roster = {{0, "a", Key(1), false}, {1, "b", Key(2), false}};
  const auto entry = Enrol(roster, "b", Key(9));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->index, 1U);
  EXPECT_EQ(entry->key, Key(9));
}

TEST(Enrol, KnownAndRevokedNamesStayAsTheyAre) {
  std::vector<RosterEntry> roster = {{0, "a", Key(1), false}, {1, "b", Key(2), true}};
  EXPECT_FALSE(Enrol(roster, "a", Key(1)).has_value());
  EXPECT_FALSE(Enrol(roster, "b", Key(9)).has_value());
}

TEST(EnsureKey, MakesAPairOnceAndMendsTheMissingPublicFile) {
  const TempDir directory;
  const Result<PublicKey> first = EnsureKey(directory.path());
  ASSERT_TRUE(first.has_value()) << first.error().Text();
  struct stat facts = {};
  ASSERT_EQ(::stat((directory / "participant.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  std::filesystem::remove(directory / "participant.pub");
  const Result<PublicKey> second = EnsureKey(directory.path());
  ASSERT_TRUE(second.has_value()) << second.error().Text();
  EXPECT_EQ(*first, *second);
  const Result<PublicKey> read = ReadPublicKey(directory / "participant.pub");
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  EXPECT_EQ(*read, *first);
  EXPECT_EQ(ReadPublicKey(first->Z85()).value(), *first);
}

}  // namespace
}  // namespace muster::cli
