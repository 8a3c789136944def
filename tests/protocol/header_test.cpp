// The fixed header: what is refused before the body is looked at.
#include "protocol/header.h"

#include <gtest/gtest.h>

#include "common/limits.h"
#include "tests/protocol/samples.h"

namespace muster {
namespace {

class Header : public testing::Test {
 protected:
  void SetByte(std::size_t offset, int value) { frame_[offset] = static_cast<std::byte>(value); }
  Reason Refusal() const {
    const auto parsed = ParseHeader(frame_);
    return parsed.has_value() ? Reason::finished : parsed.error().reason;
  }
  Bytes frame_ = EncodeMessage(SampleHeader(), Sample<Offer>());
};

TEST_F(Header, SaysWhatWasWritten) {
  const auto parsed = ParseHeader(frame_);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().Text();
  EXPECT_EQ(parsed->header, SampleHeader());
  EXPECT_EQ(parsed->type, MessageType::offer);
  EXPECT_EQ(parsed->body_bytes, frame_.size() - limits::kHeaderBytes);
}

TEST_F(Header, AShortFrameIsMalformed) {
  for (std::size_t size = 0; size < limits::kHeaderBytes; ++size) {
    const auto parsed = ParseHeader(ByteSpan(frame_).first(size));
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().reason, Reason::malformed_message);
  }
}

TEST_F(Header, WrongMagicIsMalformed) {
  SetByte(0, 'm');
  EXPECT_EQ(Refusal(), Reason::malformed_message);
}

TEST_F(Header, AnotherFormatIsUnsupported) {
  SetByte(4, kHeaderFormat + 1);
  EXPECT_EQ(Refusal(), Reason::protocol_unsupported);
  SetByte(4, 0);
  EXPECT_EQ(Refusal(), Reason::protocol_unsupported);
}

TEST_F(Header, OnlyKnownTypesPass) {
  int known = 0;
  for (int number = 0; number < 256; ++number) {
    SetByte(6, number);
    if (ParseHeader(frame_).has_value()) {
      ++known;
    } else {
      EXPECT_EQ(Refusal(), Reason::malformed_message) << number;
    }
  }
  EXPECT_EQ(known, static_cast<int>(std::variant_size_v<Message>));
  SetByte(7, 1);
  EXPECT_EQ(Refusal(), Reason::malformed_message);
}

TEST_F(Header, AFlagIsUnsupported) {
  SetByte(11, 0x80);
  EXPECT_EQ(Refusal(), Reason::protocol_unsupported);
}

TEST_F(Header, ReservedBytesMustBeZero) {
  for (std::size_t offset = 52; offset < limits::kHeaderBytes; ++offset) {
    SetByte(offset, 1);
    EXPECT_EQ(Refusal(), Reason::malformed_message) << offset;
    SetByte(offset, 0);
  }
}

TEST_F(Header, ABodyBeyondItsTypesCapIsTooLarge) {
  StoreLittle<std::uint32_t>(frame_, 48, limits::kSmallMessageBytesMax + 1);
  EXPECT_EQ(Refusal(), Reason::too_large);
  StoreLittle<std::uint32_t>(frame_, 48, 0xffffffff);
  EXPECT_EQ(Refusal(), Reason::too_large);
}

TEST_F(Header, ABodyThatIsNotThereIsMalformed) {
  StoreLittle<std::uint32_t>(frame_, 48, static_cast<std::uint32_t>(frame_.size()));
  EXPECT_EQ(Refusal(), Reason::malformed_message);
  StoreLittle<std::uint32_t>(frame_, 48, 0);
  EXPECT_EQ(Refusal(), Reason::malformed_message);
}

}  // namespace
}  // namespace muster
