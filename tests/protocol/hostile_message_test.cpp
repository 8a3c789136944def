// Frames that no honest peer sends. Each is refused with a reason, at once and without allocation.
#include <gtest/gtest.h>

#include <ctime>
#include <functional>

#include "common/limits.h"
#include "common/random.h"
#include "protocol/codec.h"
#include "tests/protocol/samples.h"

namespace muster {
namespace {

/// A valid header before any body.
Bytes FrameOf(MessageType type, ByteSpan body) {
  Bytes frame(limits::kHeaderBytes);
  WriteHeader({SampleHeader(), type, static_cast<std::uint32_t>(body.size())}, frame);
  frame.insert(frame.end(), body.begin(), body.end());
  return frame;
}

Bytes BodyOf(const Message& message) {
  const Bytes frame = EncodeMessage(SampleHeader(), message);
  return {frame.begin() + limits::kHeaderBytes, frame.end()};
}

MessageType TypeOf(const Message& message) {
  return ParseHeader(EncodeMessage(SampleHeader(), message))->type;
}

void ExpectRefused(const Bytes& frame, std::size_t payload_bytes, Reason reason) {
  const auto decoded = DecodeMessage(frame, payload_bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().reason, reason) << decoded.error().Text();
  EXPECT_FALSE(decoded.error().message.empty());
}

/// If the frame was accepted, then it means something that survives being sent on. Only a hello may
/// be spelled otherwise then: seals that nobody knows are left out of it.
void ExpectRefusedOrMeant(const Bytes& frame, std::size_t payload_bytes) {
  const auto decoded = DecodeMessage(frame, payload_bytes);
  if (!decoded.has_value()) return;
  const Bytes again = EncodeMessage(decoded->header, decoded->message);
  if (!std::holds_alternative<Hello>(decoded->message)) {
    EXPECT_EQ(Hex(again), Hex(frame));
  }
  const auto twice = DecodeMessage(again, payload_bytes);
  ASSERT_TRUE(twice.has_value()) << twice.error().Text();
  EXPECT_EQ(Hex(EncodeMessage(twice->header, twice->message)), Hex(again));
}

template <typename T>
void ExpectBroken(Reason reason, const std::function<void(T&)>& breaking) {
  T message = Sample<T>();
  breaking(message);
  SCOPED_TRACE(MessageName(message));
  ExpectRefused(EncodeMessage({}, message), PayloadBytes(message), reason);
}

TEST(HostileMessage, EveryTruncationIsMalformed) {
  for (const Message& message : SampleMessages()) {
    SCOPED_TRACE(MessageName(message));
    const Bytes body = BodyOf(message);
    for (std::size_t size = 0; size < body.size(); ++size) {
      ExpectRefused(FrameOf(TypeOf(message), ByteSpan(body).first(size)), PayloadBytes(message),
                    Reason::malformed_message);
    }
  }
}

TEST(HostileMessage, TrailingBytesAreMalformed) {
  for (const Message& message : SampleMessages()) {
    SCOPED_TRACE(MessageName(message));
    Bytes body = BodyOf(message);
    body.push_back(std::byte{0});
    ExpectRefused(FrameOf(TypeOf(message), body), PayloadBytes(message), Reason::malformed_message);
  }
}

TEST(HostileMessage, ABodyUnderAnotherTypeIsRefusedOrMeansWhatItSays) {
  for (const Message& message : SampleMessages()) {
    for (const Message& other : SampleMessages()) {
      const Bytes frame = FrameOf(TypeOf(other), BodyOf(message));
      ExpectRefusedOrMeant(frame, PayloadBytes(other));
    }
  }
}

TEST(HostileMessage, FlippedBitsAreRefusedOrMeanWhatTheySay) {
  const std::uint64_t seed = SystemRandom();
  SCOPED_TRACE("seed " + std::to_string(seed));
  KeyedStream stream(seed, "flips", {});
  for (const Message& message : SampleMessages()) {
    const Bytes honest = EncodeMessage(SampleHeader(), message);
    for (int trial = 0; trial < 2000; ++trial) {
      Bytes frame = honest;
      for (std::uint64_t flips = 1 + stream.Below(3); flips > 0; --flips) {
        frame[stream.Below(frame.size())] ^= static_cast<std::byte>(1U << stream.Below(8));
      }
      ExpectRefusedOrMeant(frame, PayloadBytes(message));
    }
  }
}

TEST(HostileMessage, NoiseIsRefusedOrMeansWhatItSays) {
  const std::uint64_t seed = SystemRandom();
  SCOPED_TRACE("seed " + std::to_string(seed));
  KeyedStream stream(seed, "noise", {});
  for (const Message& message : SampleMessages()) {
    for (int trial = 0; trial < 500; ++trial) {
      Bytes body(stream.Below(200));
      for (std::byte& b : body) b = static_cast<std::byte>(stream.Next());
      ExpectRefusedOrMeant(FrameOf(TypeOf(message), body), PayloadBytes(message));
    }
  }
}

// A count of 2^60 at the first place where the type reads one.
TEST(HostileMessage, SizeBombsFailAtOnce) {
  struct Bomb {
    MessageType type;
    std::size_t bytes_before_count;
  };
  const std::size_t welcome_job = 2 + 1 + 8 + 1;
  for (const Bomb& bomb :
       {Bomb{MessageType::hello, 4}, Bomb{MessageType::welcome, 3},
        Bomb{MessageType::welcome, welcome_job}, Bomb{MessageType::task, 20 + 4 + 8 + 32 + 16 + 8},
        Bomb{MessageType::refused, 1 + 1 + 8}}) {
    for (const std::uint64_t count : {1ULL << 60, ~0ULL, 1ULL << 32, 2ULL}) {
      Bytes body(bomb.bytes_before_count + 8 + 1);
      if (bomb.type == MessageType::refused) body[0] = static_cast<std::byte>(Reason::busy);
      if (bomb.type == MessageType::welcome) body[2] = std::byte{1};
      if (bomb.bytes_before_count == welcome_job) {
        StoreLittle<std::uint64_t>(body, 3, 1);
        body[11] = std::byte{'j'};
      }
      StoreLittle(body, bomb.bytes_before_count, count);
      const std::clock_t start = std::clock();  // Of this process, not of a busy machine.
      ExpectRefused(FrameOf(bomb.type, body), 0, Reason::malformed_message);
      EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC);
    }
  }
}

TEST(HostileMessage, NamesOutsideTheAlphabetAreMalformed) {
  for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a b"),
                                  std::string("../x"), std::string("a/b"), std::string("a\0b", 3),
                                  std::string("\x1b[2J"), std::string("\xc3\xa4")}) {
    ExpectBroken<Hello>(Reason::malformed_message, [&](Hello& hello) { hello.name = name; });
    ExpectBroken<Welcome>(Reason::malformed_message, [&](Welcome& w) { w.job_name = name; });
  }
}

TEST(HostileMessage, ImpossibleFieldsAreMalformed) {
  const auto reason = Reason::malformed_message;
  ExpectBroken<Hello>(reason, [](Hello& m) { m.protocol_min = 0; });
  ExpectBroken<Hello>(reason, [](Hello& m) { m.protocol_min = m.protocol_max + 1; });
  ExpectBroken<Hello>(reason, [](Hello& m) { m.seals.resize(limits::kBulkSealsMax + 1); });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.job_digest[0] ^= std::byte{1}; });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.lineages.clear(); });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.index = limits::kRosterMax; });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.lease_ms = 0; });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.lease_ms = -1; });
  ExpectBroken<TaskOrder>(reason, [](TaskOrder& m) { m.attempt = 0; });
  ExpectBroken<TaskOrder>(reason, [](TaskOrder& m) { m.scales[0].bound_log2 = 2000; });
  ExpectBroken<TaskOrder>(reason, [](TaskOrder& m) { m.scales[1].scale_log2 = -2000; });
  ExpectBroken<TaskOrder>(reason, [](TaskOrder& m) { m.deadline_ms = limits::kDurationMsMax + 1; });
  ExpectBroken<Grant>(reason, [](Grant& m) { m.chunk_bytes = 0; });
  ExpectBroken<Grant>(reason, [](Grant& m) { m.chunk_bytes = 0xffffffff; });
  ExpectBroken<Refused>(reason, [](Refused& m) { m.retry_after_ms = -1; });
  ExpectBroken<ModelRequest>(reason, [](ModelRequest& m) { m.bytes = 0; });
  ExpectBroken<ModelChunk>(reason, [](ModelChunk& m) { m.bytes = 0; });
}

TEST(HostileMessage, SizesBeyondTheirLimitsAreTooLarge) {
  const auto reason = Reason::too_large;
  ExpectBroken<Offer>(reason, [](Offer& m) { m.bytes = limits::kModelBytesMax + 1; });
  ExpectBroken<TaskOrder>(reason, [](TaskOrder& m) { m.model_bytes = ~0ULL; });
  ExpectBroken<TaskOrder>(reason,
                          [](TaskOrder& m) { m.scales.resize(limits::kTensorScalesMax + 1); });
  ExpectBroken<Welcome>(reason,
                        [](Welcome& m) { m.lineages.resize(limits::kLineageHistoryMax + 1); });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.job.resize(limits::kJobBytesMax + 1); });
  ExpectBroken<Grant>(reason, [](Grant& m) { m.offset = ~0ULL; });
  ExpectBroken<Grant>(reason, [](Grant& m) { m.credit_bytes = ~0ULL; });
  ExpectBroken<UploadCredit>(reason, [](UploadCredit& m) { m.offset = ~0ULL; });
  ExpectBroken<ModelRequest>(reason, [](ModelRequest& m) { m.bytes = 0xffffffff; });
  ExpectBroken<ModelRequest>(reason, [](ModelRequest& m) { m.offset = ~0ULL; });
  ExpectBroken<ModelRequest>(reason, [](ModelRequest& m) { m.offset = ~0ULL - m.bytes + 1; });
  ExpectBroken<ModelChunk>(reason, [](ModelChunk& m) { m.offset = limits::kModelBytesMax; });
  ExpectBroken<UpdateChunk>(reason, [](UpdateChunk& m) { m.offset = ~0ULL; });
  ExpectBroken<UpdateChunk>(reason,
                            [](UpdateChunk& m) { m.bytes = limits::kTransferChunkBytesMax + 1; });
}

TEST(HostileMessage, AWelcomeInAnUnofferedProtocolIsUnsupported) {
  ExpectBroken<Welcome>(Reason::protocol_unsupported, [](Welcome& m) { m.protocol = 0; });
  ExpectBroken<Welcome>(Reason::protocol_unsupported,
                        [](Welcome& m) { m.protocol = kProtocolVersion + 1; });
}

TEST(HostileMessage, UnknownEnumNumbersAreMalformed) {
  const auto reason = Reason::malformed_message;
  ExpectBroken<Leave>(reason, [](Leave& m) { m.reason = static_cast<Reason>(250); });
  ExpectBroken<Refused>(reason, [](Refused& m) { m.reason = static_cast<Reason>(0); });
  ExpectBroken<Welcome>(reason, [](Welcome& m) { m.seal = static_cast<BulkSeal>(1); });
  ExpectBroken<Welcome>(
      reason, [](Welcome& m) { m.retained_fate = static_cast<Welcome::RetainedFate>(4); });
}

TEST(HostileMessage, ABoolThatIsNeitherIsMalformed) {
  Bytes body = BodyOf(BusyWith(""));
  body[1] = std::byte{2};
  ExpectRefused(FrameOf(MessageType::refused, body), 0, Reason::malformed_message);
}

TEST(HostileMessage, ARefusalsTextMustBePrintable) {
  Bytes body = BodyOf(BusyWith("x"));
  for (const int c : {0x00, 0x07, 0x1b, 0x7f, 0x80, 0xff}) {
    body.back() = static_cast<std::byte>(c);
    ExpectRefused(FrameOf(MessageType::refused, body), 0, Reason::malformed_message);
  }
}

TEST(HostileMessage, RawBytesMustBeAsManyAsSaid) {
  for (const Message& message : SampleMessages()) {
    SCOPED_TRACE(MessageName(message));
    const Bytes frame = EncodeMessage(SampleHeader(), message);
    ExpectRefused(frame, PayloadBytes(message) + 1, Reason::malformed_message);
    if (PayloadBytes(message) > 0) ExpectRefused(frame, 0, Reason::malformed_message);
  }
}

}  // namespace
}  // namespace muster
