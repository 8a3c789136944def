#include "cli/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "checkpoint/store.h"
#include "cli/commands.h"
#include "common/exit_codes.h"
#include "common/limits.h"
#include "coordinator/core/roster_rules.h"
#include "coordinator/runtime/admin_protocol.h"
#include "coordinator/runtime/admin_server.h"
#include "tests/support/temp_dir.h"

namespace muster::cli {
namespace {

PublicKey Key(std::uint8_t number) {
  PublicKey key;
  key.bytes[0] = std::byte{number};
  return key;
}

/// The commands, on a state directory whose coordinator does not run.
class OfflineEnrolment : public ::testing::Test {
 protected:
  int Add(const std::string& name, const PublicKey& key) {
    Arguments arguments = ArgumentsFor(name);
    arguments.key = key.Z85();
    return RunEnrollAdd(arguments);
  }

  int Remove(const std::string& name) { return RunEnrollRemove(ArgumentsFor(name)); }

  /// "0=a 1=b(revoked)"; fails the test if a key is none of those expected.
  std::string Roster(const std::vector<PublicKey>& keys) const {
    const auto store = OpenCheckpointStore(directory_.path(), OpenMode::read_only);
    if (!store) return store.error().Text();
    std::string text;
    for (const RosterEntry& entry : (*store)->recovered().roster) {
      EXPECT_EQ(entry.key, keys.at(entry.index)) << entry.name;
      text += (text.empty() ? "" : " ") + std::to_string(entry.index) + "=" + entry.name +
              (entry.revoked ? "(revoked)" : "");
    }
    return text;
  }

 private:
  Arguments ArgumentsFor(const std::string& name) const {
    Arguments arguments;
    arguments.state_dir = directory_.path();
    arguments.name = name;
    return arguments;
  }

  TempDir directory_;
};

TEST_F(OfflineEnrolment, KeyOfAnotherNameIsRefused) {
  ASSERT_EQ(Add("a", Key(1)), 0);
  ASSERT_EQ(Add("b", Key(2)), 0);
  EXPECT_EQ(Add("c", Key(1)), 2);
  EXPECT_EQ(Add("b", Key(1)), 2);
  ASSERT_EQ(Remove("a"), 0);
  EXPECT_EQ(Add("b", Key(1)), 2) << "a revoked key is still that name's";
  EXPECT_EQ(Roster({Key(1), Key(2)}), "0=a(revoked) 1=b");
}

TEST_F(OfflineEnrolment, RevokedNameIsEnrolledAgainWithTheSameOrANewKey) {
  ASSERT_EQ(Add("a", Key(1)), 0);
  ASSERT_EQ(Remove("a"), 0);
  EXPECT_EQ(Roster({Key(1)}), "0=a(revoked)");
  EXPECT_EQ(Add("a", Key(1)), 0);
  EXPECT_EQ(Roster({Key(1)}), "0=a");
  ASSERT_EQ(Remove("a"), 0);
  EXPECT_EQ(Add("a", Key(9)), 0);
  EXPECT_EQ(Roster({Key(9)}), "0=a");
}

TEST_F(OfflineEnrolment, SayingItTwiceIsWell) {
  ASSERT_EQ(Add("a", Key(1)), 0);
  EXPECT_EQ(Add("a", Key(1)), 0);
  EXPECT_EQ(Roster({Key(1)}), "0=a");
  ASSERT_EQ(Remove("a"), 0);
  EXPECT_EQ(Remove("a"), 0);
  EXPECT_EQ(Roster({Key(1)}), "0=a(revoked)");
  EXPECT_EQ(Remove("b"), 2);
}

/// The commands, where a coordinator listens that has an empty roster and gives every request to
/// change it the answer `reply_`.
class OnlineEnrolment : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = coordinator::AdminServer::Start(directory_.path(), -1, inbox_);
    ASSERT_TRUE(server.has_value()) << server.error().Text();
    server_ = std::move(*server);
  }

  /// The exit code of an enrolment that is answered `reply`.
  int AddAnswered(const std::string& reply) {
    reply_ = reply;
    Arguments arguments;
    arguments.state_dir = directory_.path();
    arguments.name = "a";
    arguments.key = Key(1).Z85();
    return RunEnrollAdd(arguments);
  }

 private:
  // In the server's thread.
  void AnswerAll() {
    for (const coordinator::InboxItem& item : inbox_.TakeAll()) {
      if (const auto* ask = std::get_if<coordinator::AskRoster>(&item)) {
        server_->Answer(ask->ticket, coordinator::AdminRoster({}));
        continue;
      }
      const auto& event = std::get<coordinator::Event>(item);
      server_->Answer(std::get<coordinator::EnrollRequested>(event).ticket, reply_);
    }
  }

  TempDir directory_;
  std::string reply_;
  coordinator::Inbox inbox_{[this] { AnswerAll(); }};
  std::unique_ptr<coordinator::AdminServer> server_;
};

TEST_F(OnlineEnrolment, RefusalKeepsTheCoordinatorsReason) {
  for (const Reason reason : {Reason::already_exists, Reason::disk_full, Reason::revoked}) {
    ::testing::internal::CaptureStderr();
    const int code = AddAnswered(coordinator::AdminRefusal({reason, "so it is"}));
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(code, static_cast<int>(ExitCodeFor(reason))) << said;
    EXPECT_EQ(said, "muster: " + std::string(ReasonName(reason)) +
                        ": the coordinator refuses: so it is\n");
  }
}

TEST_F(OnlineEnrolment, UnknownReasonStaysReadable) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(AddAnswered(R"({"ok":false,"reason":"too_new","message":"so it is"})"), 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "muster: unexpected_message: the coordinator refuses (too_new): so it is\n");
}

TEST_F(OnlineEnrolment, AnswerOfOtherTypesIsARefusal) {
  EXPECT_EQ(AddAnswered(R"({"ok":"yes","reason":3,"message":[]})"), 1);
  EXPECT_EQ(AddAnswered("{}"), 1);
  EXPECT_EQ(AddAnswered("[]"), 1);
  EXPECT_EQ(AddAnswered("no JSON"), 1);
}

TEST(JudgeEnrolment, NewNameGetsTheNextIndex) {
  const std::vector<RosterEntry> roster = {{0, "a", Key(1), false}, {1, "b", Key(2), true}};
  const auto entry = coordinator::JudgeEnrolment(roster, "c", Key(3));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->index, 2U);
  EXPECT_EQ(coordinator::JudgeEnrolment({}, "a", Key(1))->index, 0U);
}

TEST(JudgeEnrolment, RefusalsAreNamed) {
  const std::vector<RosterEntry> roster = {{0, "a", Key(1), false}};
  const auto taken = coordinator::JudgeEnrolment(roster, "b", Key(1));
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().reason, Reason::already_exists);
  const auto nobody = coordinator::JudgeRevocation(roster, "b");
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().reason, Reason::not_found);
}

TEST(Enrol, NewKeyKeepsTheIndex) {
  std::vector<RosterEntry> roster = {{0, "a", Key(1), false}, {1, "b", Key(2), false}};
  const auto enrolled = Enrol(roster, "b", Key(9));
  ASSERT_TRUE(enrolled.has_value()) << enrolled.error().Text();
  const std::optional<RosterEntry>& entry = *enrolled;
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->index, 1U);
  EXPECT_EQ(entry->key, Key(9));
  EXPECT_EQ(roster[1].key, Key(9));
}

TEST(Enrol, KnownAndRevokedNamesStayAsTheyAre) {
  std::vector<RosterEntry> roster = {{0, "a", Key(1), false}, {1, "b", Key(2), true}};
  EXPECT_EQ(Enrol(roster, "a", Key(1)).value(), std::nullopt);
  EXPECT_EQ(Enrol(roster, "b", Key(9)).value(), std::nullopt);
  EXPECT_EQ(roster.size(), 2U);
}

TEST(Enrol, KeyOfAnotherNameIsAnErrorThatNamesBoth) {
  std::vector<RosterEntry> roster = {{0, "a", Key(1), false}};
  const auto entry = Enrol(roster, "c", Key(1));
  ASSERT_FALSE(entry.has_value());
  EXPECT_EQ(entry.error().reason, Reason::already_exists);
  EXPECT_EQ(entry.error().message, "cannot enrol c: the key belongs to a");
  EXPECT_EQ(roster.size(), 1U);
}

TEST(ReadPublicKey, RefusalSaysWhatIsExpected) {
  const auto key = ReadPublicKey("--server-key", "the coordinator", "no-such-file");
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().reason, Reason::flag_invalid);
  EXPECT_NE(key.error().message.find("--server-key expects the public key of the coordinator"),
            std::string::npos)
      << key.error().message;
}

TEST(EnsureKey, MakesAPairOnceAndMendsTheMissingPublicFile) {
  const TempDir directory;
  const Result<PublicKey> first = EnsureKey(directory.path());
  ASSERT_TRUE(first.has_value()) << first.error().Text();
  struct stat facts = {};
  ASSERT_EQ(::stat((directory / "participant.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  std::filesystem::remove(directory / "participant.pub");
  const Result<PublicKey> second = EnsureKey(directory.path());
  ASSERT_TRUE(second.has_value()) << second.error().Text();
  EXPECT_EQ(*first, *second);
  const Result<PublicKey> read = ReadPublicKey("--key", "it", directory / "participant.pub");
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  EXPECT_EQ(*read, *first);
  EXPECT_EQ(ReadPublicKey("--key", "it", first->Z85()).value(), *first);
}

class Keygen : public ::testing::Test {
 protected:
  int Make(const std::string& name, std::optional<std::uint32_t> count) {
    Arguments arguments;
    arguments.state_dir = directory_ / "sites";
    arguments.name = name;
    arguments.count = count;
    return RunKeygen(arguments);
  }

  bool Exists(const std::string& path) const { return std::filesystem::exists(directory_ / path); }
  bool NothingWasWritten() const { return std::filesystem::is_empty(directory_.path()); }

 private:
  TempDir directory_;
};

TEST_F(Keygen, SeveralNeedAName) {
  EXPECT_EQ(Make("", 2), 2);
  EXPECT_TRUE(NothingWasWritten());
}

TEST_F(Keygen, NameThatLeavesTheDirectoryIsRefused) {
  for (const char* name : {"../x", "/tmp/x", "a/b", "..", "."}) {
    EXPECT_EQ(Make(name, 2), 2) << name;
    EXPECT_EQ(Make(name, std::nullopt), 2) << name;
  }
  EXPECT_TRUE(NothingWasWritten());
}

TEST_F(Keygen, NameTooLongWithItsNumberIsRefused) {
  EXPECT_EQ(Make(std::string(limits::kNameBytesMax - 1, 'a'), 1), 2);
  EXPECT_TRUE(NothingWasWritten());
}

TEST_F(Keygen, SeveralGetAFolderEachAndOneTheDirectoryItself) {
  ASSERT_EQ(Make("site", 2), 0);
  EXPECT_TRUE(Exists("sites/site-00/participant.key"));
  EXPECT_TRUE(Exists("sites/site-01/participant.pub"));
  ASSERT_EQ(Make("", std::nullopt), 0);
  EXPECT_TRUE(Exists("sites/participant.key"));
}

}  // namespace
}  // namespace muster::cli
