#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/program.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Doctor, VersionIsAnOptionAndACommand) {
  Program option({"--version"});
  EXPECT_EQ(option.Wait(), 0) << option.errors();
  EXPECT_THAT(option.output(), StartsWith("muster "));
  Program command({"version"});
  EXPECT_EQ(command.Wait(), 0);
  EXPECT_EQ(command.output(), option.output());
}

TEST(Doctor, MatrixIsPrintedForPeopleAndForPrograms) {
  Program text({"doctor", "--matrix"});
  EXPECT_EQ(text.Wait(), 0) << text.errors();
  EXPECT_THAT(text.output(), StartsWith("What goes together:\n"));
  Program json({"doctor", "--matrix", "--format", "json"});
  EXPECT_EQ(json.Wait(), 0) << json.errors();
  EXPECT_GT(json.events().size(), 100U);
}

TEST(Doctor, SaysWhatThisMachineIs) {
  Program doctor({"doctor", "--format", "json"});
  EXPECT_EQ(doctor.Wait(), 0) << doctor.output();
  ASSERT_EQ(doctor.events().size(), 1U);
  EXPECT_FALSE(doctor.events()[0].contains("directory"));
}

TEST(Doctor, DirectoryInMemoryIsAProblemAndAnExitCode) {
  if (!std::filesystem::is_directory("/dev/shm")) GTEST_SKIP() << "no /dev/shm here";
  Program doctor({"doctor", "--dir", "/dev/shm"});
  EXPECT_EQ(doctor.Wait(), 1);
  EXPECT_THAT(doctor.output(), HasSubstr("problem: /dev/shm does not keep what is synced"));
}

TEST(Doctor, DirectoryThatIsNotThereIsAUsageError) {
  Program doctor({"doctor", "--dir", "/not/there"});
  EXPECT_EQ(doctor.Wait(), 2);
  Program both({"doctor", "--dir", "/", "--matrix"});
  EXPECT_EQ(both.Wait(), 2);
}

}  // namespace
}  // namespace muster::cli
