// Records come back as they were stored, and damaged ones are named, never believed.
#include "protocol/record_codec.h"

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/protocol/samples.h"

namespace muster {
namespace {

/// Calls `check` with each sample record.
template <typename Check>
void ForEachRecord(Check check) {
  std::apply([&check](const auto&... record) { (check(record), ...); }, SampleRecords());
}

template <typename Record>
Reason RefusalOf(ByteSpan bytes) {
  const auto decoded = DecodeRecord<Record>(bytes);
  return decoded.has_value() ? Reason::finished : decoded.error().reason;
}

TEST(RecordCodec, EveryRecordSurvives) {
  ForEachRecord([]<typename Record>(const Record& record) {
    const Bytes bytes = EncodeRecord(record);
    const auto decoded = DecodeRecord<Record>(bytes);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
    EXPECT_EQ(EncodeRecord(*decoded), bytes);
  });
}

TEST(RecordCodec, ANewerFormatIsUnsupportedNotDamage) {
  ForEachRecord([]<typename Record>(const Record& record) {
    Bytes bytes = EncodeRecord(record);
    bytes[0] = static_cast<std::byte>(kRecordFormat + 1);
    EXPECT_EQ(RefusalOf<Record>(bytes), Reason::unsupported);
  });
}

TEST(RecordCodec, AnOlderFormatIsUnsupportedNotDamage) {
  ForEachRecord([]<typename Record>(const Record& record) {
    Bytes bytes = EncodeRecord(record);
    for (std::uint8_t format = 1; format < kRecordFormat; ++format) {
      bytes[0] = static_cast<std::byte>(format);
      EXPECT_EQ(RefusalOf<Record>(bytes), Reason::unsupported) << int{format};
    }
  });
}

TEST(RecordCodec, FormatZeroIsDamage) {
  ForEachRecord([]<typename Record>(const Record& record) {
    Bytes bytes = EncodeRecord(record);
    bytes[0] = std::byte{0};
    EXPECT_EQ(RefusalOf<Record>(bytes), Reason::damage);
  });
}

TEST(RecordCodec, EveryTruncationIsDamage) {
  ForEachRecord([]<typename Record>(const Record& record) {
    const Bytes bytes = EncodeRecord(record);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(RefusalOf<Record>(ByteSpan(bytes).first(size)), Reason::damage) << size;
    }
  });
}

TEST(RecordCodec, TrailingBytesAreDamage) {
  ForEachRecord([]<typename Record>(const Record& record) {
    Bytes bytes = EncodeRecord(record);
    bytes.push_back(std::byte{0});
    EXPECT_EQ(RefusalOf<Record>(bytes), Reason::damage);
  });
}

TEST(RecordCodec, FlippedBitsAreRefusedOrMeanWhatTheySay) {
  const std::uint64_t seed = SystemRandom();
  SCOPED_TRACE("seed " + std::to_string(seed));
  KeyedStream stream(seed, "flips", {});
  ForEachRecord([&stream]<typename Record>(const Record& record) {
    const Bytes honest = EncodeRecord(record);
    for (int trial = 0; trial < 2000; ++trial) {
      Bytes bytes = honest;
      bytes[stream.Below(bytes.size())] ^= static_cast<std::byte>(1U << stream.Below(8));
      const auto decoded = DecodeRecord<Record>(bytes);
      if (decoded.has_value()) {
        EXPECT_EQ(EncodeRecord(*decoded), bytes);
      }
    }
  });
}

TEST(RecordCodec, SizeBombsAreDamage) {
  for (const std::uint64_t count : {1ULL << 60, ~0ULL, 1ULL << 30}) {
    Bytes job(1 + 8);
    job[0] = static_cast<std::byte>(kRecordFormat);
    StoreLittle(job, 1, count);
    EXPECT_EQ(RefusalOf<JobRecord>(job), Reason::damage);
    Bytes manifest(1 + 8 + 32 + 8 + 100);
    manifest[0] = static_cast<std::byte>(kRecordFormat);
    StoreLittle(manifest, 1 + 8 + 32, count);
    EXPECT_EQ(RefusalOf<VersionManifest>(manifest), Reason::damage);
  }
}

TEST(RecordCodec, ImpossibleRecordsAreDamage) {
  RosterEntry entry = std::get<RosterEntry>(SampleRecords());
  entry.name = "../../etc";
  EXPECT_EQ(RefusalOf<RosterEntry>(EncodeRecord(entry)), Reason::damage);
  VersionManifest manifest = std::get<VersionManifest>(SampleRecords());
  manifest.model_tensor_count = 3;
  EXPECT_EQ(RefusalOf<VersionManifest>(EncodeRecord(manifest)), Reason::damage);
}

TEST(RecordCodec, GoldenBytesOfAFinishRecord) {
  EXPECT_EQ(Hex(EncodeRecord(FinishRecord{.reason = Reason::finished, .version = 100})),
            "05"                  // format 5
            "7e"                  // reason 126: finished
            "6400000000000000");  // version 100
}

TEST(RecordCodec, GoldenBytesOfAnOpenRound) {
  EXPECT_EQ(Hex(EncodeRecord(OpenRound{.round = 3,
                                       .parent = 2,
                                       .attempt = 1,
                                       .eligible = {0, 1},
                                       .first_drawn = {1},
                                       .cohort = {1},
                                       .bound_raise = 0,
                                       .deadline_ms = 2000,
                                       .deadline_consumed_ms = 500})),
            "05"                // format 5
            "0300000000000000"  // round
            "0200000000000000"  // parent
            "01000000"          // attempt
            "0200000000000000"  // two eligible: 0, 1
            "0000000001000000"
            "0100000000000000"  // one first drawn: 1
            "01000000"
            "0100000000000000"  // one in the cohort: 1
            "01000000"
            "00000000"            // bound_raise
            "d007000000000000"    // adapted to 2000 ms
            "f401000000000000");  // 500 ms
}

}  // namespace
}  // namespace muster
