#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "coordinator/runtime/admin_client.h"
#include "coordinator/runtime/admin_protocol.h"
#include "coordinator/runtime/admin_server.h"
#include "coordinator/runtime/unix_socket.h"
#include "tests/coordinator_runtime/sample_jobs.h"
#include "tests/support/temp_dir.h"

namespace muster::coordinator {
namespace {

using muster::testing::KeyNumber;
using nlohmann::json;

constexpr std::chrono::seconds kPatience{30};

/// An admin server whose loop thread is the test's: requests are answered by `answer_`.
class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(-1); }
  void TearDown() override { Stop(); }

  void Start(int signal_fd) {
    stopping_ = false;
    auto server = AdminServer::Start(dir_.path(), signal_fd, inbox_);
    ASSERT_TRUE(server.has_value()) << server.error().Text();
    server_ = std::move(*server);
    loop_ = std::thread([this] { Loop(); });
  }
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (loop_.joinable()) loop_.join();
    server_.reset();
  }

  json Ask(const std::string& line) {
    const Result<std::string> reply = AskCoordinator(dir_.path(), line, kPatience);
    EXPECT_TRUE(reply.has_value()) << reply.error().Text();
    return reply ? json::parse(*reply) : json();
  }
  std::string ReasonOf(const std::string& line) {
    const json reply = Ask(line);
    EXPECT_EQ(reply.value("ok", true), false) << reply;
    return reply.value("reason", "");
  }
  FileDescriptor Connect() {
    auto fd = ConnectUnix(dir_.path(), "admin.sock");
    EXPECT_TRUE(fd.has_value()) << fd.error().Text();
    return fd ? std::move(*fd) : FileDescriptor();
  }
  /// Waits until the loop has seen `count` drains.
  void AwaitDrains(int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return drains_ >= count; }));
  }

  TempDir dir_;
  std::atomic<bool> silent_ = false;  ///< The loop takes requests and answers none.

 private:
  void Wake() {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
    }
    changed_.notify_all();
  }
  void Loop() {
    while (true) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return woken_ || stopping_; });
        if (stopping_) return;
        woken_ = false;
      }
      for (const InboxItem& item : inbox_.TakeAll()) Answer(item);
    }
  }
  void Answer(const InboxItem& item) {
    if (silent_) return;
    if (const auto* status = std::get_if<AskStatus>(&item)) {
      server_->Answer(status->ticket, json{{"ok", true}, {"phase", "report"}}.dump());
    } else if (const auto* roster = std::get_if<AskRoster>(&item)) {
      server_->Answer(roster->ticket, AdminRoster(muster::testing::RosterOf(2)));
    } else if (const auto* event = std::get_if<Event>(&item)) {
      if (const auto* enroll = std::get_if<EnrollRequested>(event)) {
        server_->Answer(enroll->ticket, enroll->name == "twice"
                                            ? AdminRefusal({Reason::already_exists, "it is here"})
                                            : AdminOk(RosterIndex{5}));
      } else if (const auto* revoke = std::get_if<RevokeRequested>(event)) {
        server_->Answer(revoke->ticket, AdminOk(RosterIndex{1}));
      } else if (std::holds_alternative<DrainRequested>(*event)) {
        {
          std::lock_guard lock(mutex_);
          ++drains_;
        }
        changed_.notify_all();
      }
    }
  }

  Inbox inbox_{[this] { Wake(); }};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  int drains_ = 0;
  std::unique_ptr<AdminServer> server_;
  std::thread loop_;
};

TEST_F(AdminTest, HostileRequestsAreRefusedByName) {
  for (const std::string line :
       {"", "nonsense", "[]", "{", "{\"command\":7}", "{\"command\":\"reboot\"}",
        "{\"command\":\"enroll_add\"}", "{\"command\":\"enroll_add\",\"name\":\"a\"}",
        "{\"command\":\"enroll_add\",\"name\":\"a\",\"key\":\"short\"}",
        "{\"command\":\"enroll_remove\",\"name\":\"\"}",
        "{\"command\":\"enroll_remove\",\"name\":\"../x\"}",
        "{\"command\":\"enroll_remove\",\"name\":[]}", "\xff\xfe", "{\"command\":\"\xff\"}"}) {
    EXPECT_EQ(ReasonOf(line), "malformed_message") << line;
  }
}

TEST_F(AdminTest, ManyNestedBracketsAreRefused) {
  EXPECT_EQ(ReasonOf(std::string(60'000, '[')), "malformed_message");
}

TEST_F(AdminTest, ALineBeyondItsLimitIsRefusedAndEndsTheConnection) {
  EXPECT_EQ(ReasonOf(std::string(kAdminRequestBytesMax + 1, ' ')), "too_large");
  EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
}

TEST_F(AdminTest, RequestsReachTheLoopAndRepliesTheClient) {
  EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
  const std::string key = KeyNumber(3).Z85();
  const json add = {{"command", "enroll_add"}, {"name", "new-site"}, {"key", key}};
  EXPECT_EQ(Ask(add.dump()).at("index"), 5);
  EXPECT_EQ(Ask(R"({"command":"enroll_remove","name":"site-1"})").at("index"), 1);
  const json roster = Ask(R"({"command":"enroll_ls"})").at("roster");
  ASSERT_EQ(roster.size(), 2U);
  EXPECT_EQ(roster[1].at("name"), "site-1");
  EXPECT_EQ(roster[1].at("key"), KeyNumber(2).Z85());
}

TEST_F(AdminTest, ARefusalOfTheCoreIsAReply) {
  const json add = {{"command", "enroll_add"}, {"name", "twice"}, {"key", KeyNumber(3).Z85()}};
  EXPECT_EQ(ReasonOf(add.dump()), "already_exists");
}

TEST_F(AdminTest, ADrainIsAnsweredAtOnce) {
  EXPECT_EQ(Ask(R"({"command":"drain"})"), json({{"ok", true}}));
  AwaitDrains(1);
}

TEST_F(AdminTest, AReadableSignalDescriptorIsADrainEachTime) {
  Stop();
  FileDescriptor signal(eventfd(0, EFD_NONBLOCK));
  Start(signal.get());
  for (int count = 1; count <= 2; ++count) {
    const std::uint64_t one = 1;
    ASSERT_EQ(write(signal.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
    AwaitDrains(count);
  }
  EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
  Stop();
}

TEST_F(AdminTest, AFullHouseOfSilentClientsHarmsNobody) {
  std::vector<FileDescriptor> silent;
  for (std::size_t i = 0; i < AdminServer::kClientsMax + 5; ++i) {
    silent.push_back(Connect());
    ASSERT_EQ(send(silent.back().get(), "{\"comm", 7, MSG_NOSIGNAL), 7);
    // The server has taken this one in once it answers another.
    if (i % 16 == 0) {
      EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
    }
  }
  EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
}

TEST_F(AdminTest, AClientThatSendsAndNeverReadsHarmsNobody) {
  FileDescriptor deaf = Connect();
  const std::string request = "{\"command\":\"status\"}\n";
  // Until the server stops reading it.
  std::size_t sent = 0;
  for (int i = 0; i < 200'000; ++i) {
    if (send(deaf.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) break;
    ++sent;
  }
  EXPECT_GT(sent, 0U);
  EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
}

TEST_F(AdminTest, SeveralRequestsOfOneClientAreAnsweredInOrder) {
  FileDescriptor client = Connect();
  const std::string both = "{\"command\":\"status\"}\n{\"command\":\"nope\"}\n";
  ASSERT_EQ(send(client.get(), both.data(), both.size(), 0), static_cast<ssize_t>(both.size()));
  shutdown(client.get(), SHUT_WR);
  ASSERT_EQ(fcntl(client.get(), F_SETFL, 0), 0);  // Blocking from here on.
  std::string replies;
  char byte = 0;
  while (std::ranges::count(replies, '\n') < 2 && recv(client.get(), &byte, 1, 0) == 1) {
    replies += byte;
  }
  const std::size_t split = replies.find('\n');
  EXPECT_EQ(json::parse(replies.substr(0, split)).at("phase"), "report");
  EXPECT_EQ(json::parse(replies.substr(split + 1)).at("reason"), "malformed_message");
}

TEST_F(AdminTest, ManyClientsAtOnceAreAllAnswered) {
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&] {
      for (int turn = 0; turn < 10; ++turn) {
        const auto reply = AskCoordinator(dir_.path(), R"({"command":"status"})", kPatience);
        if (reply && json::parse(*reply).value("ok", false)) ++answered;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 160);
}

TEST_F(AdminTest, AClientOfALoopThatHangsTimesOut) {
  silent_ = true;
  const auto reply =
      AskCoordinator(dir_.path(), R"({"command":"status"})", std::chrono::milliseconds(50));
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().reason, Reason::timeout);
}

TEST_F(AdminTest, AStoppedProcessIsNamedAsTheCause) {
  Stop();
  // As a process in SIGSTOP has it: the kernel still takes connections, as many as may wait.
  const auto stopped = ListenUnix(dir_.path(), "admin.sock");
  ASSERT_TRUE(stopped.has_value());
  const auto ask = [this] {
    return AskCoordinator(dir_.path(), R"({"command":"status"})", std::chrono::milliseconds(50));
  };
  const auto first = ask();
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().reason, Reason::timeout);
  EXPECT_NE(first.error().message.find("SIGSTOP"), std::string::npos) << first.error().message;
  std::vector<FileDescriptor> waiting;
  while (auto fd = ConnectUnix(dir_.path(), "admin.sock")) waiting.push_back(std::move(*fd));
  const auto last = ask();
  ASSERT_FALSE(last.has_value());
  EXPECT_EQ(last.error().reason, Reason::busy);
  EXPECT_NE(last.error().message.find("SIGSTOP"), std::string::npos) << last.error().message;
}

TEST_F(AdminTest, TheSocketIsTheOwnersAlone) {
  struct stat info {};
  ASSERT_EQ(stat((dir_ / "admin.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(AdminTest, WithoutACoordinatorTheClientSaysSo) {
  Stop();
  for (const std::string& dir : {dir_.path(), dir_ / "nowhere"}) {
    const auto reply = AskCoordinator(dir, R"({"command":"status"})", kPatience);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().reason, Reason::not_found);
  }
}

TEST_F(AdminTest, ASocketFileLeftByAKilledProcessIsTakenOver) {
  Stop();
  { auto left = ListenUnix(dir_.path(), "admin.sock"); }  // Closed, its file still there.
  ASSERT_EQ(access((dir_ / "admin.sock").c_str(), F_OK), 0);
  Start(-1);
  EXPECT_EQ(Ask(R"({"command":"status"})").at("phase"), "report");
}

TEST(UnixSocketTest, ADirectoryWithAVeryLongPathCanBeServed) {
  TempDir dir;
  std::string path = dir.path();
  for (int i = 0; i < 5; ++i) path += "/" + std::string(60, 'd');
  ASSERT_TRUE(MakeDirectories(path, 0700).has_value());
  const auto listener = ListenUnix(path, "admin.sock");
  ASSERT_TRUE(listener.has_value()) << listener.error().Text();
  EXPECT_TRUE(ConnectUnix(path, "admin.sock").has_value());
}

}  // namespace
}  // namespace muster::coordinator
