#include "cli/machine_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace muster::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kMounts[] =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
    "30 21 0:26 / /run rw,nosuid shared:9 master:2 - tmpfs tmpfs rw,size=100k\n"
    "40 21 8:17 / /mnt/disk rw,noatime - xfs /dev/vdb1 rw,nobarrier\n"
    "41 21 8:18 / /mnt/two\\040words rw - ext4 /dev/vdc1 rw,barrier=0\n"
    "42 21 8:19 / /mnt/over rw - ext4 /dev/vdd1 rw\n"
    "43 21 0:30 / /mnt/over rw - btrfs /dev/vde1 rw\n"
    "a line of another kernel\n";

VolumeProbe Mounted(const std::string& path) {
  VolumeProbe probe;
  DescribeMount(kMounts, path, probe);
  return probe;
}

TEST(VolumeProbe, LongestMountPointAboveTheDirectoryCounts) {
  EXPECT_EQ(Mounted("/home/me").file_system, "ext4");
  EXPECT_EQ(Mounted("/home/me").mounted_at, "/");
  EXPECT_EQ(Mounted("/run/lock").mounted_at, "/run");
  EXPECT_EQ(Mounted("/run").file_system, "tmpfs");
  EXPECT_EQ(Mounted("/runner").mounted_at, "/");
}

TEST(VolumeProbe, LaterMountAtOnePlaceCoversTheEarlier) {
  EXPECT_EQ(Mounted("/mnt/over/state").file_system, "btrfs");
}

TEST(VolumeProbe, SpaceInAMountPointIsUnderstood) {
  EXPECT_EQ(Mounted("/mnt/two words/state").mounted_at, "/mnt/two words");
}

TEST(VolumeProbe, FileSystemInMemoryKeepsNothing) {
  EXPECT_THAT(Mounted("/run/state").not_durable, HasSubstr("in memory"));
  EXPECT_THAT(Mounted("/home").not_durable, IsEmpty());
}

TEST(VolumeProbe, MountWithoutBarriersKeepsNothing) {
  EXPECT_THAT(Mounted("/mnt/disk").not_durable, HasSubstr("without barriers"));
  EXPECT_THAT(Mounted("/mnt/two words").not_durable, HasSubstr("without barriers"));
}

TEST(VolumeProbe, MeasuresAndLeavesNothingBehind) {
  const std::string directory = ::testing::TempDir() + "/probed";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const Result<VolumeProbe> probe = ProbeVolume(directory);
  ASSERT_TRUE(probe) << probe.error().Text();
  EXPECT_GT(probe->free_bytes, 0U);
  EXPECT_GT(probe->sync_ms, 0);
  EXPECT_GE(probe->sync_ms_max, probe->sync_ms);
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST(VolumeProbe, WhatIsNoDirectoryIsRefused) {
  EXPECT_EQ(ProbeVolume("/dev/null").error().reason, Reason::flag_invalid);
  EXPECT_EQ(ProbeVolume("/not/there").error().reason, Reason::flag_invalid);
}

/// A machine on which nothing is wrong.
MachineReport Sound() {
  MachineReport report;
  report.zmq = {.version = "4.3.4", .has_curve = true, .sodium = "1.0.18"};
  report.open_files = 1024;
  report.participants_max = 300;
  return report;
}

TEST(MachineReport, SoundMachineHasNoProblem) { EXPECT_THAT(Problems(Sound()), IsEmpty()); }

TEST(MachineReport, EachThingThatStandsInTheWayIsAProblem) {
  MachineReport report = Sound();
  report.zmq.has_curve = false;
  EXPECT_THAT(Problems(report), ElementsAre(HasSubstr("CURVE")));
  report = Sound();
  report.participants_max = 0;
  EXPECT_THAT(Problems(report), ElementsAre(HasSubstr("ulimit -n")));
  report = Sound();
  report.floating_point = Error{Reason::unsupported, "rounds upward"};
  EXPECT_THAT(Problems(report), ElementsAre("rounds upward"));
  report = Sound();
  report.directory = "/run";
  report.volume = Mounted("/run");
  EXPECT_THAT(Problems(report), ElementsAre(HasSubstr("/run does not keep what is synced")));
}

TEST(MachineReport, TextAndJsonTellTheProblems) {
  MachineReport report = Sound();
  report.zmq.has_curve = false;
  EXPECT_THAT(MachineText(report), HasSubstr("\nproblem: ZeroMQ was built without CURVE"));
  const auto object = nlohmann::json::parse(MachineJson(report));
  EXPECT_EQ(object.at("problems").size(), 1U);
  EXPECT_EQ(object.at("zmq_curve"), false);
}

TEST(MachineReport, ThisMachineIsDescribed) {
  const Result<MachineReport> report = InspectMachine(::testing::TempDir());
  ASSERT_TRUE(report) << report.error().Text();
  EXPECT_FALSE(report->cpu.empty());
  EXPECT_GE(report->cores, 1U);
  EXPECT_GT(report->memory_bytes, 0U);
  EXPECT_THAT(report->kernels_built, testing::Contains(report->kernels));
  EXPECT_TRUE(report->zmq.has_curve);
  const auto object = nlohmann::json::parse(MachineJson(*report));
  EXPECT_EQ(object.at("directory").at("path"), ::testing::TempDir());
  EXPECT_GT(object.at("memory_bytes"), 0);
}

}  // namespace
}  // namespace muster::cli
