#include "common/ids.h"

#include <gtest/gtest.h>

#include "common/bytes.h"

namespace muster {
namespace {

PublicKey KeyOf(std::initializer_list<int> repeated) {
  PublicKey key;
  auto byte = repeated.begin();
  for (std::byte& b : key.bytes) {
    b = static_cast<std::byte>(*byte++);
    if (byte == repeated.end()) byte = repeated.begin();
  }
  return key;
}

TEST(Z85Test, TestVectorOfRfc32) {
  const PublicKey key = KeyOf({0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B});
  EXPECT_EQ(key.Z85(), "HelloWorldHelloWorldHelloWorldHelloWorld");
  EXPECT_EQ(PublicKey::FromZ85("HelloWorldHelloWorldHelloWorldHelloWorld"), key);
}

TEST(Z85Test, KeyOfTheZeroMqManual) {
  const auto key = PublicKey::FromZ85("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(Hex(key->bytes), "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652");
  EXPECT_EQ(key->Z85(), "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
}

TEST(Z85Test, SmallestAndLargestKeysComeBack) {
  EXPECT_EQ(KeyOf({0}).Z85(), std::string(40, '0'));
  EXPECT_EQ(PublicKey::FromZ85(std::string(40, '0')), KeyOf({0}));
  EXPECT_EQ(KeyOf({255}).Z85().substr(0, 5), "%nSc0");
  EXPECT_EQ(PublicKey::FromZ85(KeyOf({255}).Z85()), KeyOf({255}));
}

TEST(Z85Test, TextThatIsNoKeyGivesNothing) {
  const std::string valid(40, '0');
  EXPECT_FALSE(PublicKey::FromZ85("").has_value());
  EXPECT_FALSE(PublicKey::FromZ85(valid.substr(1)).has_value());
  EXPECT_FALSE(PublicKey::FromZ85(valid + "0").has_value());
  for (const char* group : {"%nSc1", "#####", "0000~", "0000\"", "0000 ", "0000\x80"}) {
    EXPECT_FALSE(PublicKey::FromZ85(group + valid.substr(5)).has_value()) << group;
  }
  EXPECT_FALSE(PublicKey::FromZ85(std::string(40, '\0')).has_value());
}

TEST(UpdateIdTest, TextNamesEveryPart) {
  EXPECT_EQ((UpdateId{.lineage = 1, .round = 7, .slot = 3, .task = 0}.Text()), "l1.r7.s3.t0");
}

TEST(UpdateIdTest, OrderIsLineageRoundSlotTask) {
  const UpdateId id{.lineage = 1, .round = 2, .slot = 3, .task = 4};
  EXPECT_LT(id, (UpdateId{.lineage = 2, .round = 0, .slot = 0, .task = 0}));
  EXPECT_LT(id, (UpdateId{.lineage = 1, .round = 3, .slot = 0, .task = 0}));
  EXPECT_LT(id, (UpdateId{.lineage = 1, .round = 2, .slot = 4, .task = 0}));
  EXPECT_LT(id, (UpdateId{.lineage = 1, .round = 2, .slot = 3, .task = 5}));
}

TEST(BytesTest, HexIsLowerCaseWithLeadingZeros) {
  EXPECT_EQ(Hex(AsBytes(std::string_view("\x00\x0f\xa0\xff", 4))), "000fa0ff");
  EXPECT_EQ(Hex({}), "");
}

TEST(BytesTest, NumbersAreLittleEndianAtAnyOffset) {
  Bytes bytes(11);
  StoreLittle(bytes, 3, std::uint64_t{0x0807060504030201});
  EXPECT_EQ(Hex(bytes), "0000000102030405060708");
  EXPECT_EQ(LoadLittle<std::uint32_t>(bytes, 5), 0x06050403U);
  StoreLittle(bytes, 1, 1.5);
  EXPECT_EQ(LoadLittle<double>(bytes, 1), 1.5);
}

}  // namespace
}  // namespace muster
