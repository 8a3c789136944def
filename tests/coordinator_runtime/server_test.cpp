// The coordinator as a process would run it: ZeroMQ, RocksDB and a state directory.
#include "coordinator/runtime/server.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "coordinator/runtime/admin_client.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "tests/support/temp_dir.h"
#include "transport/endpoints_file.h"

namespace muster {
namespace {

using nlohmann::json;
using testing::SyntheticJob;

constexpr std::chrono::seconds kPatience{60};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() { options_.state_dir = dir_ / "state"; }

  void Start() {
    life_ = std::async(std::launch::async,
                       [this] { return RunCoordinator(job_, options_, signal_.get()); });
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (AskCoordinator(options_.state_dir, R"({"command":"status"})", kPatience)) return;
      ASSERT_NE(life_.wait_for(std::chrono::milliseconds(5)), std::future_status::ready)
          << life_.get().error().Text();
    }
    FAIL() << "the coordinator never answered";
  }
  void Drain() {
    const std::uint64_t one = 1;
    ASSERT_EQ(write(signal_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
    const Result<RunOutcome> outcome = life_.get();
    ASSERT_TRUE(outcome.has_value()) << outcome.error().Text();
    EXPECT_EQ(outcome->reason, Reason::draining);
  }
  Error StartError() {
    const Result<RunOutcome> outcome = RunCoordinator(job_, options_, -1);
    EXPECT_FALSE(outcome.has_value());
    return outcome ? Error{} : outcome.error();
  }
  json Ask(const json& request) {
    const auto reply = AskCoordinator(options_.state_dir, request.dump(), kPatience);
    EXPECT_TRUE(reply.has_value()) << reply.error().Text();
    return reply ? json::parse(*reply) : json();
  }
  std::string EndpointsPath() const { return options_.state_dir + "/endpoints.json"; }
  ClientTransport::Target Endpoints() const {
    const auto endpoints = ReadEndpoints(EndpointsPath());
    EXPECT_TRUE(endpoints.has_value()) << endpoints.error().Text();
    return endpoints.value_or(ClientTransport::Target{});
  }

  TempDir dir_;
  JobSpec job_ = SyntheticJob(3);
  ServerOptions options_;
  FileDescriptor signal_{eventfd(0, EFD_NONBLOCK)};
  std::future<Result<RunOutcome>> life_;
};

TEST_F(ServerTest, ALaterStartHasTheSameKeyAndPorts) {
  Start();
  const ClientTransport::Target first = Endpoints();
  Drain();
  Start();
  const ClientTransport::Target second = Endpoints();
  EXPECT_EQ(Ask({{"command", "status"}}).at("starts"), 2);
  Drain();
  EXPECT_EQ(second.control_endpoint, first.control_endpoint);
  EXPECT_EQ(second.bulk_endpoint, first.bulk_endpoint);
  EXPECT_EQ(second.server_key, first.server_key);
}

TEST_F(ServerTest, APortTakenByAnotherIsAnErrorThatSaysSo) {
  Start();
  TempDir other;
  const std::string file = other / "endpoints.json";
  ASSERT_TRUE(WriteEndpoints(file, Endpoints()).has_value());
  const std::string state_dir = std::exchange(options_.state_dir, other.path());
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::transport_failed);
  EXPECT_NE(error.message.find(file), std::string::npos) << error.message;
  options_.state_dir = state_dir;
  Drain();
}

TEST_F(ServerTest, EndpointsWithAFlippedBitAreNamedAndNothingListensElsewhere) {
  Start();
  const ClientTransport::Target before = Endpoints();
  Drain();
  std::fstream file(EndpointsPath(), std::ios::binary | std::ios::in | std::ios::out);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t port = text.find(before.control_endpoint) + before.control_endpoint.size() - 1;
  file.seekp(static_cast<std::streamoff>(port));
  file.put(static_cast<char>(text[port] ^ 1)).flush();  // A digit for another digit.
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::file_malformed);
  EXPECT_NE(error.message.find(EndpointsPath()), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("remove it"), std::string::npos) << error.message;
}

TEST_F(ServerTest, OneStateServesOneCoordinator) {
  Start();
  EXPECT_EQ(StartError().reason, Reason::state_in_use);
  EXPECT_EQ(Ask({{"command", "status"}}).at("ok"), true);
  Drain();
}

TEST_F(ServerTest, EnrolmentOnARunningCoordinatorOutlivesIt) {
  Start();
  const json add = {
      {"command", "enroll_add"}, {"name", "site-a"}, {"key", testing::KeyNumber(5).Z85()}};
  EXPECT_EQ(Ask(add).value("index", -1), 0);
  EXPECT_EQ(Ask({{"command", "enroll_remove"}, {"name", "nobody"}}).at("ok"), false);
  Drain();
  Start();
  const json roster = Ask({{"command", "enroll_ls"}}).at("roster");
  ASSERT_EQ(roster.size(), 1U);
  EXPECT_EQ(roster[0].at("name"), "site-a");
  Drain();
}

TEST_F(ServerTest, AChangedJobIsRefused) {
  Start();
  Drain();
  job_.seed = 8;
  const Error error = StartError();
  EXPECT_EQ(error.reason, Reason::config_changed);
  EXPECT_NE(error.message.find("job.seed was 7 and is 8"), std::string::npos) << error.message;
}

TEST_F(ServerTest, TheSecretKeyIsTheOwnersAlone) {
  Start();
  Drain();
  struct stat info {};
  ASSERT_EQ(stat((options_.state_dir + "/coordinator.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(ServerTest, ImpossibleOptionsAreRefused) {
  options_.fold_threads = 0;
  EXPECT_EQ(StartError().reason, Reason::config_invalid);
  options_.fold_threads = 2;
  job_.round.quorum = 99;
  EXPECT_EQ(StartError().reason, Reason::config_invalid);
}

}  // namespace
}  // namespace muster
