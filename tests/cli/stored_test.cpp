// What is said of a state directory whose newest version is committed but not stored.
#include "cli/stored.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster::cli {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// Versions 0 and 1 are stored, version 2 is committed by its record and two updates.
class StoredTest : public StoreFixture {
 protected:
  void SetUp() override {
    Open();
    Write({PutJob{SampleJob()}});
    Commit(0);
    Commit(1);
    AcceptEach(100, 101);
    CommitUnstored(2);
  }
  void Store() {
    Stage(2);
    Write({ClearAccepted{2}});
  }
  static std::string TextOf(const Result<std::string>& text) {
    EXPECT_TRUE(text.has_value()) << text.error().Text();
    return text.value_or("");
  }
  Json Line(std::size_t index) {
    std::istringstream lines(TextOf(ListVersions(directory(), Format::json)));
    std::string line;
    for (std::size_t i = 0; i <= index; ++i) std::getline(lines, line);
    return Json::parse(line);
  }
  std::string path() const { return temporary_ / "model.safetensors"; }
};

TEST_F(StoredTest, ListAndShowSayWhichVersionsAreNotHeldAnyMore) {
  Store();
  ASSERT_TRUE(store_->DropVersion(1).has_value());
  EXPECT_THAT(TextOf(ListVersions(directory(), Format::text)), ContainsRegex("1 .* no "));
  EXPECT_EQ(Line(0)["held"], false);
  EXPECT_EQ(Line(1)["held"], true);
  EXPECT_THAT(TextOf(ShowVersion(directory(), 1, Format::text)), HasSubstr("held        no"));
  const Json shown = Json::parse(TextOf(ShowVersion(directory(), 1, Format::json)));
  EXPECT_EQ(shown["held"], false);
  EXPECT_FALSE(shown.contains("unstored"));
}

TEST_F(StoredTest, TheListSaysSoonOfAnUnstoredHead) {
  const std::string table = TextOf(ListVersions(directory(), Format::text));
  EXPECT_THAT(table, ContainsRegex("1 .* yes "));
  EXPECT_THAT(table, ContainsRegex("2 .* soon "));
  EXPECT_EQ(Line(0)["held"], true);
  EXPECT_FALSE(Line(0).contains("unstored"));
  EXPECT_EQ(Line(1)["held"], false);
  EXPECT_EQ(Line(1)["unstored"], true);
  Store();
  EXPECT_EQ(Line(1)["held"], true);
  EXPECT_THAT(TextOf(ListVersions(directory(), Format::text)), Not(HasSubstr("soon")));
}

TEST_F(StoredTest, ShowSaysThatHeadIsNotStoredYet) {
  EXPECT_THAT(TextOf(ShowVersion(directory(), std::nullopt, Format::text)),
              HasSubstr("held        soon"));
  const Json shown = Json::parse(TextOf(ShowVersion(directory(), 2, Format::json)));
  EXPECT_EQ(shown["held"], false);
  EXPECT_EQ(shown["unstored"], true);
  EXPECT_EQ(Json::parse(TextOf(ShowVersion(directory(), 1, Format::json)))["held"], true);
}

TEST_F(StoredTest, AStoppedStateSaysThatItsVersionIsNotStored) {
  EXPECT_THAT(TextOf(DescribeStopped(directory(), Format::text)),
              HasSubstr("version 2 is committed, the next start computes and stores it"));
  EXPECT_EQ(Json::parse(TextOf(DescribeStopped(directory(), Format::json)))["unstored"], 2);
  Store();
  EXPECT_THAT(TextOf(DescribeStopped(directory(), Format::text)), Not(HasSubstr("stored")));
}

TEST_F(StoredTest, TheExportNamesTheVersionThatIsNewer) {
  const Result<Exported> exported = ExportStored(directory(), std::nullopt, path());
  ASSERT_TRUE(exported) << exported.error().Text();
  EXPECT_EQ(exported->version, 1U);
  EXPECT_EQ(exported->unstored, 2U);
  EXPECT_EQ(ExportStored(directory(), 2, path()).error().reason, Reason::not_found);
  Store();
  const Result<Exported> later = ExportStored(directory(), std::nullopt, path());
  ASSERT_TRUE(later) << later.error().Text();
  EXPECT_EQ(later->version, 2U);
  EXPECT_EQ(later->unstored, std::nullopt);
}

}  // namespace
}  // namespace muster::cli
