// States of a newer build: refused as a whole, whatever of them it is that is newer.
#include "checkpoint/internal/format.h"

#include <gmock/gmock.h>
#include <rocksdb/file_system.h>

#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/internal/database.h"
#include "checkpoint/internal/keys.h"
#include "protocol/record_codec.h"
#include "tests/checkpoint/keys.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using checkpoint::Family;
using ::testing::HasSubstr;

struct StoredRecord {
  std::string kind;
  Family family;
  std::string key;
  Bytes value;
};

/// One of each kind, under the key where an open finds it.
std::vector<StoredRecord> OneOfEachKind() {
  const VersionManifest manifest = SampleManifest(1, SampleContents(1, 192));
  const LineageRecord lineage{};
  const EpochRecord epoch{};
  const FinishRecord finish{};
  return {
      {"JobRecord", Family::meta, "job", EncodeRecord(SampleJob())},
      {"EpochRecord", Family::meta, "epoch", EncodeRecord(epoch)},
      {"Epoch", Family::meta, checkpoint::PastEpochKey(2), EncodeRecord(epoch.epoch)},
      {"FinishRecord", Family::meta, "finish", EncodeRecord(finish)},
      {"LineageRecord", Family::meta, checkpoint::LineageKey(1), EncodeRecord(lineage)},
      {"RosterEntry", Family::meta, checkpoint::RosterKey(3), EncodeRecord(SampleRosterEntry(3))},
      {"RoundRecord", Family::rounds, checkpoint::RecordKey(1), EncodeRecord(SampleRoundRecord(1))},
      {"VersionManifest", Family::rounds, checkpoint::ManifestKey(1), EncodeRecord(manifest)},
      {"EvaluationRecord", Family::rounds, checkpoint::EvaluationKey(1),
       EncodeRecord(SampleEvaluation(1))},
      {"OpenRound", Family::ledger, "open", EncodeRecord(SampleOpenRound(2))},
      {"AcceptedUpdate", Family::ledger, checkpoint::AcceptedKey(SampleAccepted(5).id),
       EncodeRecord(SampleAccepted(5))},
      {"UpdateFate", Family::ledger, checkpoint::FateKey(3), EncodeRecord(SampleFate(3, 1))},
  };
}

class FormatTest : public StoreFixture {
 protected:
  void SetUp() override {
    Open();
    Commit(1);
    Close();
  }
  void Put(const StoredRecord& record) {
    const auto raw = *checkpoint::Database::OpenForWriting(
        rocksdb::FileSystem::Default(), FileOf("db"), checkpoint::Upkeep::automatic, nullptr);
    ASSERT_TRUE(raw->Write({{record.family, record.key, record.value}}, true));
  }
  void Remove(const StoredRecord& record) {
    const auto raw = *checkpoint::Database::OpenForWriting(
        rocksdb::FileSystem::Default(), FileOf("db"), checkpoint::Upkeep::automatic, nullptr);
    ASSERT_TRUE(raw->Write({{record.family, record.key, std::nullopt}}, true));
  }
};

TEST_F(FormatTest, ADirectoryOfANewerFormatIsUnsupported) {
  std::ofstream(FileOf("FORMAT")) << "muster state 4\n";
  const std::string before = ImageOf(directory());
  for (const StateKey& key : {StateKey(), TestKey(1)}) {
    key_ = key;
    for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
      const Error error = OpenError(mode);
      EXPECT_EQ(error.reason, Reason::unsupported);
      EXPECT_THAT(error.message, HasSubstr("has format 4; this build knows formats up to 3"));
    }
  }
  EXPECT_EQ(ImageOf(directory()), before);
}

TEST_F(FormatTest, ANewerRecordOfAnyKindIsUnsupportedAndNothingChanges) {
  const std::vector<StoredRecord> records = OneOfEachKind();
  EXPECT_EQ(records.size(), 12U) << "a kind of record is not tried";
  for (StoredRecord record : records) {
    SCOPED_TRACE(record.kind);
    record.value.front() = static_cast<std::byte>(kRecordFormat + 1);
    Put(record);
    const std::string before = ImageOf(directory());
    for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
      const Error error = OpenError(mode);
      EXPECT_EQ(error.reason, Reason::unsupported) << error.message;
      EXPECT_THAT(error.message, HasSubstr("has format 6, this build reads 5"));
      EXPECT_THAT(error.message, HasSubstr(checkpoint::KeyText(record.key)));
    }
    EXPECT_EQ(ImageOf(directory()), before);
    record.value.front() = static_cast<std::byte>(kRecordFormat);
    const bool kept = record.kind == "RoundRecord" || record.kind == "VersionManifest";
    kept ? Put(record) : Remove(record);
  }
}

TEST_F(FormatTest, ANewerRecordOfAnOlderVersionIsUnsupportedWhenItIsRead) {
  Open();
  Commit(2);
  Close();
  StoredRecord record = OneOfEachKind()[6];
  ASSERT_EQ(record.kind, "RoundRecord");
  record.value.front() = static_cast<std::byte>(kRecordFormat + 1);
  Put(record);
  Open();
  EXPECT_EQ(store_->ReadRoundRecord(1).error().reason, Reason::unsupported);
  const auto visit = [](const RoundRecord& /*record*/) -> Status { return {}; };
  EXPECT_EQ(store_->ForEachRoundRecord(visit).error().reason, Reason::unsupported);
}

}  // namespace
}  // namespace muster
