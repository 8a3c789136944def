// Old content as a new version: what the one batch holds, and what is refused before it.
#include "checkpoint/copy_version.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr LineageRecord kFirstLineage{{1, 77}, 0, 0};

class CopyVersionTest : public StoreFixture {
 protected:
  static constexpr std::size_t kBytes = 2U << 20;  ///< Two chunks a version.

  void SetUp() override {
    Open();
    Write({PutJob{SampleJob()}, PutLineage{kFirstLineage}});
    for (Version version = 0; version <= 3; ++version) CommitRound(version);
  }
  /// As a coordinator does it: the record names the version's digest.
  void CommitRound(Version version) {
    Stage(version, kBytes);
    const VersionManifest manifest = SampleManifest(version, SampleContents(version, kBytes));
    RoundRecord record = SampleRoundRecord(version);
    record.digest = manifest.digest;
    Write({PutVersion{manifest}, PutRoundRecord{record}});
  }
  RoundRecord Copy(const CopyOrder& order) {
    Reopen();
    auto record = CommitCopy(*store_, order);
    EXPECT_TRUE(record.has_value()) << record.error().Text();
    return record.value_or(RoundRecord{});
  }
  Error CopyError(const CopyOrder& order) {
    Reopen();
    const std::string before = HeadText();
    const auto record = CommitCopy(*store_, order);
    EXPECT_FALSE(record.has_value());
    Reopen();
    EXPECT_EQ(HeadText(), before);
    return record ? Error{} : record.error();
  }
  std::string HeadText() { return std::to_string(recovered().head->version); }
  Bytes ContentsOf(Version version) {
    const auto manifest = store_->ReadManifest(version);
    Bytes bytes;
    for (std::uint32_t i = 0; i < manifest->chunk_digests.size(); ++i) {
      const Bytes chunk = store_->ReadVersionChunk(*manifest, i).value_or(Bytes());
      bytes.insert(bytes.end(), chunk.begin(), chunk.end());
    }
    return bytes;
  }
};

TEST_F(CopyVersionTest, ACopyIsTheNextVersionWithTheOldContent) {
  const RoundRecord record = Copy({.source = 1});
  Reopen();
  EXPECT_EQ(record.version, 4U);
  EXPECT_EQ(record.round, 4U);
  EXPECT_EQ(record.parent, 1U);
  EXPECT_EQ(record.lineage, 1U);
  EXPECT_TRUE(IsCopy(record));
  EXPECT_EQ(recovered().head->version, 4U);
  EXPECT_EQ(recovered().head->digest, store_->ReadManifest(1)->digest);
  EXPECT_EQ(recovered().last_record->digest, record.digest);
  EXPECT_EQ(ContentsOf(4), SampleContents(1, kBytes));
  EXPECT_THAT(store_->HeldVersions(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(recovered().lineages.size(), 1U);
}

TEST_F(CopyVersionTest, NeitherRoundsNorTheFirstVersionAreCopies) {
  EXPECT_FALSE(IsCopy(SampleRoundRecord(3)));
  EXPECT_FALSE(IsCopy(RoundRecord{}));
}

TEST_F(CopyVersionTest, ANewLineageBeginsInTheSameBatch) {
  const LineageRecord next = NextLineage({kFirstLineage}, 2, 99);
  EXPECT_EQ(next.id, (LineageId{2, 99}));
  EXPECT_EQ(next.parent_number, 1U);
  const RoundRecord record = Copy({.source = 2, .lineage = next});
  Reopen();
  EXPECT_EQ(record.lineage, 2U);
  ASSERT_EQ(recovered().lineages.size(), 2U);
  EXPECT_EQ(recovered().lineages[1].id, next.id);
  EXPECT_EQ(recovered().lineages[1].fork_version, 2U);
}

TEST_F(CopyVersionTest, ItsNumberIsAboveOneThatTheStoreLost) {
  EXPECT_EQ(Copy({.source = 2, .above = 11}).version, 12U);
  Reopen();
  EXPECT_EQ(recovered().head->version, 12U);
  EXPECT_EQ(recovered().last_record->round, 12U);
}

TEST_F(CopyVersionTest, TheOpenRoundEndsAndItsUpdatesAreDropped) {
  Write({PutOpenRound{SampleOpenRound(4)}});
  AcceptEach(300, 302);
  ASSERT_EQ(SampleId(300).round, 4U);
  Copy({.source = 3});
  Reopen();
  EXPECT_FALSE(recovered().open_round.has_value());
  EXPECT_THAT(recovered().accepted, IsEmpty());
  EXPECT_THAT(recovered().unstored, IsEmpty());
  ASSERT_EQ(recovered().fates.size(), 3U);
  for (const UpdateFate& fate : recovered().fates) {
    EXPECT_FALSE(fate.committed);
    EXPECT_EQ(fate.reason, Reason::round_closed);
    EXPECT_EQ(fate.digest, SampleAccepted(fate.id.slot).digest);
  }
}

TEST_F(CopyVersionTest, AFinishIsTakenBack) {
  Write({PutFinish{{Reason::finished, 3}}});
  Copy({.source = 3});
  Reopen();
  EXPECT_FALSE(recovered().finish.has_value());
}

TEST_F(CopyVersionTest, AVersionThatIsNotThereIsRefused) {
  EXPECT_EQ(CopyError({.source = 9}).reason, Reason::not_found);
}

TEST_F(CopyVersionTest, AStateWithoutVersionsHasNothingToCopy) {
  Close();
  current_ = temporary_ / "empty";
  Open();
  const auto record = CommitCopy(*store_, {.source = 0});
  ASSERT_FALSE(record.has_value());
  EXPECT_EQ(record.error().reason, Reason::not_found);
}

TEST_F(CopyVersionTest, ADamagedChunkIsRefusedByName) {
  Close();
  const Bytes contents = SampleContents(1, kBytes);
  const std::string_view second = AsText(contents).substr(1U << 20, 32);
  for (const std::string& path : SortedFiles()) {
    if (SizeOf(path) < kBytes) continue;
    std::ifstream file(path, std::ios::binary);
    const std::string image{std::istreambuf_iterator<char>(file), {}};
    if (const auto place = image.find(second); place != std::string::npos) Flip(path, place + 9);
  }
  Open();
  const Error error = CopyError({.source = 1});
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("chunk 1 of version 1"));
}

TEST_F(CopyVersionTest, ARecordOfAnotherDigestIsRefused) {
  const RoundRecord head = *store_->ReadRoundRecord(3);
  RoundRecord forged = *store_->ReadRoundRecord(1);
  forged.digest[0] ^= std::byte{1};
  Write({PutRoundRecord{forged}, PutRoundRecord{head}});
  const Error error = CopyError({.source = 1});
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("manifest of version 1"));
}

TEST_F(CopyVersionTest, ChunksOfACopyThatDiedBeforeItsBatchAreSwept) {
  Stage(4, kBytes);
  Crash();
  Open();
  EXPECT_EQ(recovered().head->version, 3U);
  EXPECT_EQ(Copy({.source = 0}).version, 4U);
  Reopen();
  EXPECT_EQ(ContentsOf(4), SampleContents(0, kBytes));
}

}  // namespace
}  // namespace muster
