// What goes in comes out: every message, its bytes, and what encoding repairs.
#include "protocol/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/limits.h"
#include "tests/protocol/samples.h"

namespace muster {
namespace {

Hello HelloOf(const std::string& name) {
  Hello hello;
  hello.name = name;
  return hello;
}

TEST(Codec, EveryMessageSurvivesTheWire) {
  const auto messages = SampleMessages();
  ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    SCOPED_TRACE(MessageName(messages[i]));
    ASSERT_EQ(messages[i].index(), i);
    const Bytes frame = EncodeMessage(SampleHeader(), messages[i]);
    const auto decoded = DecodeMessage(frame, PayloadBytes(messages[i]));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
    EXPECT_EQ(decoded->message.index(), i);
    EXPECT_EQ(decoded->header, SampleHeader());
    EXPECT_EQ(EncodeMessage(decoded->header, decoded->message), frame);
  }
}

TEST(Codec, DefaultsAndAbsentValuesSurviveToo) {
  const auto decoded = DecodeMessage(EncodeMessage({}, HelloOf("a")), 0);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
  const auto& got = std::get<Hello>(decoded->message);
  EXPECT_EQ(got.name, "a");
  EXPECT_FALSE(got.seen.has_value());
  EXPECT_FALSE(got.job.has_value());
  EXPECT_FALSE(got.retained.has_value());
}

TEST(Codec, TheLargestWelcomeAndTaskFit) {
  auto welcome = Sample<Welcome>();
  welcome.job = Bytes(limits::kJobBytesMax, std::byte{1});
  welcome.job_digest = Sha256Digest{};
  welcome.lineages.resize(limits::kLineageHistoryMax);
  EXPECT_LE(EncodeMessage({}, welcome).size(), limits::kFrameBytesMax);
  auto task = Sample<TaskOrder>();
  task.scales.resize(limits::kTensorScalesMax);
  const Bytes frame = EncodeMessage({}, task);
  EXPECT_LE(frame.size(), limits::kFrameBytesMax);
  EXPECT_TRUE(DecodeMessage(frame, 0).has_value());
}

TEST(Codec, ARefusalsTextIsCutAndMadePrintable) {
  Refused refused = BusyWith(std::string(10'000, 'x'));
  refused.text[0] = '\x1b';
  refused.text[1] = '\n';
  refused.text[2] = '\xc3';
  const auto decoded = DecodeMessage(EncodeMessage({}, refused), 0);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
  const auto& text = std::get<Refused>(decoded->message).text;
  EXPECT_EQ(text.size(), limits::kRefusalTextBytesMax);
  EXPECT_EQ(text.substr(0, 4), "???x");
}

TEST(Codec, SealsOfANewerPeerAreLeftOut) {
  Hello hello = HelloOf("a");
  hello.seals = {static_cast<BulkSeal>(9), BulkSeal::aes_256_gcm};
  const auto decoded = DecodeMessage(EncodeMessage({}, hello), 0);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
  EXPECT_THAT(std::get<Hello>(decoded->message).seals, testing::ElementsAre(BulkSeal::aes_256_gcm));
}

// The bytes that docs/protocol.md works through.
TEST(Codec, GoldenBytesOfAnUploadCredit) {
  const UploadCredit credit{.id = {.lineage = 1, .round = 7, .slot = 3, .task = 0},
                            .offset = 65536};
  const MessageHeader header{.job = Counting<8>(0xa0),
                             .fence = {.lineage = 1, .epoch = {.number = 2, .nonce = 0xbeef}},
                             .sequence = 9};
  EXPECT_EQ(Hex(EncodeMessage(header, credit)),
            "4d535452"          // magic
            "0100"              // header format 1
            "1400"              // type 20: upload_credit
            "00000000"          // flags
            "01000000"          // lineage 1
            "a0a1a2a3a4a5a6a7"  // the job's digest begins so
            "0200000000000000"  // epoch 2
            "efbe000000000000"  // its nonce
            "0900000000000000"  // sequence 9
            "1c000000"          // 28 body bytes
            "000000000000000000000000"
            "01000000"          // id: lineage 1
            "0700000000000000"  // round 7
            "03000000"          // slot 3
            "00000000"          // task 0
            "0000010000000000"  // offset 65536
  );
}

TEST(Codec, GoldenBytesOfARefusal) {
  const Refused refused{
      .reason = Reason::busy, .id = std::nullopt, .retry_after_ms = 50, .text = "full"};
  const Bytes frame = EncodeMessage({}, refused);
  EXPECT_EQ(Hex(ByteSpan(frame).subspan(limits::kHeaderBytes)),
            "6b"                // reason 107: busy
            "00"                // no id
            "3200000000000000"  // 50 ms
            "0400000000000000"  // a text of 4 bytes
            "66756c6c");
}

}  // namespace
}  // namespace muster
