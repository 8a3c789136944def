// Key files: what is written comes back, and what is unsafe or broken is refused by name.
#include "transport/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "common/file.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

class Keys : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string Text(const std::string& name) const {
    return std::string(AsText(*ReadFile(Path(name), 4096)));
  }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomically(Path(name), AsBytes(text), 0600).has_value());
  }
  Reason Refusal(const std::string& name) const {
    const auto keys = LoadKeyPair(Path(name));
    return keys.has_value() ? Reason::finished : keys.error().reason;
  }
  void Save(const std::string& name) const {
    const auto keys = GenerateKeyPair();
    ASSERT_TRUE(keys.has_value());
    ASSERT_TRUE(SaveKeyPair(Path(name), *keys).has_value());
  }
  TempDir directory_;
};

TEST_F(Keys, APairComesBackFromItsFile) {
  const auto keys = GenerateKeyPair();
  ASSERT_TRUE(keys.has_value());
  ASSERT_TRUE(SaveKeyPair(Path("key"), *keys).has_value());
  const auto loaded = LoadKeyPair(Path("key"));
  ASSERT_TRUE(loaded.has_value()) << loaded.error().Text();
  EXPECT_EQ(loaded->public_key, keys->public_key);
  EXPECT_TRUE(ConstantTimeEqual(loaded->secret_key.Reveal(), keys->secret_key.Reveal()));
}

TEST_F(Keys, NoTwoPairsAreEqual) {
  EXPECT_NE(GenerateKeyPair()->public_key, GenerateKeyPair()->public_key);
}

TEST_F(Keys, ASecretFileIsItsOwnersAlone) {
  Save("key");
  struct stat info {};
  ASSERT_EQ(stat(Path("key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(Keys, ASecretIsNeverOverwritten) {
  Save("key");
  const std::string before = Text("key");
  const Status second = SaveKeyPair(Path("key"), *GenerateKeyPair());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().reason, Reason::already_exists);
  EXPECT_EQ(Text("key"), before);
}

TEST_F(Keys, ASecretThatOthersCanReadIsRefused) {
  Save("key");
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    ASSERT_EQ(chmod(Path("key").c_str(), mode), 0);
    EXPECT_EQ(Refusal("key"), Reason::config_invalid) << std::oct << mode;
  }
  ASSERT_EQ(chmod(Path("key").c_str(), 0400), 0);
  EXPECT_TRUE(LoadKeyPair(Path("key")).has_value());
}

TEST_F(Keys, BrokenSecretFilesAreMalformed) {
  Save("key");
  const std::string good = Text("key");
  for (std::size_t size = 0; size < good.size(); ++size) {
    Write("cut", good.substr(0, size));
    EXPECT_EQ(Refusal("cut"), Reason::file_malformed) << size;
  }
  Write("long", good + "x");
  EXPECT_EQ(Refusal("long"), Reason::file_malformed);
  Write("huge", good + std::string(10'000, '\n'));
  EXPECT_EQ(Refusal("huge"), Reason::file_malformed);
  std::string other_title = good;
  other_title[0] = 'M';
  Write("title", other_title);
  EXPECT_EQ(Refusal("title"), Reason::file_malformed);
}

TEST_F(Keys, KeysThatAreNoPairAreMalformed) {
  Save("one");
  Save("two");
  const std::string one = Text("one");
  const std::string two = Text("two");
  const auto secret_line = one.size() - 41;
  Write("mixed", one.substr(0, secret_line) + two.substr(secret_line));
  EXPECT_EQ(Refusal("mixed"), Reason::file_malformed);
}

TEST_F(Keys, AMissingFileIsNotFound) {
  EXPECT_EQ(Refusal("nothing"), Reason::not_found);
  EXPECT_EQ(LoadPublicKey(Path("nothing")).error().reason, Reason::not_found);
}

TEST_F(Keys, ADirectoryIsNoKey) { EXPECT_EQ(Refusal("."), Reason::file_malformed); }

TEST_F(Keys, APublicKeyComesBackAndBrokenOnesDoNot) {
  const PublicKey key = GenerateKeyPair()->public_key;
  ASSERT_TRUE(SavePublicKey(Path("public"), key).has_value());
  EXPECT_EQ(*LoadPublicKey(Path("public")), key);
  const std::string good = Text("public");
  for (std::size_t size = 0; size < good.size(); ++size) {
    Write("cut", good.substr(0, size));
    const auto loaded = LoadPublicKey(Path("cut"));
    ASSERT_FALSE(loaded.has_value()) << size;
    EXPECT_EQ(loaded.error().reason, Reason::file_malformed);
  }
}

TEST_F(Keys, ASecretFileIsNoPublicKey) {
  Save("key");
  EXPECT_EQ(LoadPublicKey(Path("key")).error().reason, Reason::file_malformed);
}

}  // namespace
}  // namespace muster
