// Where a state's key comes from, and what is none.
#include "checkpoint/state_key.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>

#include "tests/checkpoint/keys.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

class StateKeyTest : public testing::Test {
 protected:
  ~StateKeyTest() override { ::unsetenv(kStateKeyVariable); }
  /// A file of this text that `mode` lets be read; its path.
  std::string Write(const std::string& text, int mode = 0600) {
    const std::string path = directory_ / "key";
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
    return path;
  }
  static bool Holds(const Result<StateKey>& key, const StateKey& expected) {
    EXPECT_TRUE(key) << key.error().Text();
    return key && key->given() &&
           ConstantTimeEqual(key->bytes().Reveal(), expected.bytes().Reveal());
  }
  static std::string Twice(char digit) { return std::string(64, digit); }

  TempDir directory_;
};

TEST_F(StateKeyTest, HexadecimalOfEitherCaseWithANewlineOrWithout) {
  EXPECT_TRUE(Holds(StateKey::FromFile(Write(Twice('a') + "\n")), TestKey(0xaa)));
  EXPECT_TRUE(Holds(StateKey::FromFile(Write(Twice('A'))), TestKey(0xaa)));
  EXPECT_TRUE(Holds(StateKey::FromFile(Write(Twice('5'))), TestKey(0x55)));
  EXPECT_TRUE(Holds(StateKey::FromHex("12" + std::string(62, '1'), "it"),
                    *StateKey::FromHex("12" + std::string(62, '1'), "it")));
  EXPECT_FALSE(Holds(StateKey::FromHex("12" + std::string(62, '1'), "it"), TestKey(0x11)));
}

TEST_F(StateKeyTest, WhatIsNoKeyIsRefusedWithoutShowingIt) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string(63, 'a'), std::string(65, 'a'),
        std::string(64, 'a') + "\n\n", std::string(64, 'a') + " ", std::string(63, 'a') + "g",
        std::string(32, 'a'), std::string(1'000, 'a'), "0x" + std::string(62, 'a')}) {
    const auto key = StateKey::FromFile(Write(text));
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().reason, Reason::file_malformed) << text;
    EXPECT_THAT(key.error().message, HasSubstr(directory_ / "key"));
    EXPECT_THAT(key.error().message, testing::Not(HasSubstr("aaaa")));
  }
}

TEST_F(StateKeyTest, AFileThatOthersCanReadIsRefused) {
  for (const int mode : {0640, 0604, 0620, 0666}) {
    const auto key = StateKey::FromFile(Write(Twice('a'), mode));
    ASSERT_FALSE(key) << mode;
    EXPECT_EQ(key.error().reason, Reason::config_invalid);
    EXPECT_THAT(key.error().message, HasSubstr("chmod 600"));
  }
  EXPECT_TRUE(Holds(StateKey::FromFile(Write(Twice('a'), 0400)), TestKey(0xaa)));
}

TEST_F(StateKeyTest, NoFileSaysHowToMakeOne) {
  const auto key = StateKey::FromFile(directory_ / "nowhere");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, Reason::not_found);
  EXPECT_THAT(key.error().message, HasSubstr("openssl rand -hex 32"));
  EXPECT_EQ(StateKey::FromFile(directory_.path()).error().reason, Reason::file_malformed);
}

TEST_F(StateKeyTest, TheFileGoesBeforeTheEnvironmentAndBothBeforeNone) {
  ::unsetenv(kStateKeyVariable);
  ASSERT_TRUE(FindStateKey(""));
  EXPECT_FALSE(FindStateKey("")->given());
  ASSERT_EQ(::setenv(kStateKeyVariable, Twice('b').c_str(), 1), 0);
  EXPECT_TRUE(Holds(FindStateKey(""), TestKey(0xbb)));
  EXPECT_TRUE(Holds(FindStateKey(Write(Twice('a'))), TestKey(0xaa)));
  ASSERT_EQ(::setenv(kStateKeyVariable, "no key", 1), 0);
  const auto malformed = FindStateKey("");
  ASSERT_FALSE(malformed);
  EXPECT_EQ(malformed.error().reason, Reason::file_malformed);
  EXPECT_THAT(malformed.error().message, HasSubstr(kStateKeyVariable));
}

TEST_F(StateKeyTest, AVariableThatIsSetButEmptyIsNoPlainState) {
  ASSERT_EQ(::setenv(kStateKeyVariable, "", 1), 0);
  const auto empty = FindStateKey("");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().reason, Reason::file_malformed);
  EXPECT_THAT(empty.error().message, HasSubstr("is set, but empty"));
  EXPECT_TRUE(Holds(FindStateKey(Write(Twice('a'))), TestKey(0xaa)));
}

template <typename T>
concept Printable = requires(std::ostream& stream, const T& value) { stream << value; };
template <typename T>
concept Comparable = requires(const T& a, const T& b) { a == b; };

TEST_F(StateKeyTest, AKeyIsNeitherPrintedNorComparedByAccident) {
  static_assert(!Printable<StateKey> && !Comparable<StateKey>);
  static_assert(!Printable<SecretBytes> && !Comparable<SecretBytes>);
  static_assert(!std::is_copy_constructible_v<SecretBytes>);
  const StateKey key = TestKey(1);
  const StateKey copy = key;
  EXPECT_EQ(&key.bytes(), &copy.bytes()) << "a copy is the same secret, wiped once";
}

}  // namespace
}  // namespace muster
