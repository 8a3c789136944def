// client.bin and client.next beside state.bin: what a start makes of every state that a crash, a
// lost file or a flipped bit can leave.
#include "participant/runtime/client_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/file.h"
#include "tests/support/temp_dir.h"

namespace muster::participant {
namespace {

class ClientFilesTest : public ::testing::Test {
 protected:
  ClientFilesTest() : paths_(dir_.path()) {}

  static ClientBytes Held(const std::string& text) {
    return {Xxh128Of(AsBytes(text)), text.size()};
  }
  void Put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  void Retain(const std::string& next) {
    state_.retained = RetainedUpdate{.id = {1, 5, 2, 0}, .client_next = Held(next)};
  }
  void Open() { ASSERT_TRUE(OpenClientFiles(paths_, state_, losses_)); }
  std::string Current() {
    const Result<Bytes> bytes = ReadFile(paths_.client, 1'000);
    return bytes ? std::string(AsText(*bytes)) : "";
  }
  bool HasNext() const { return std::filesystem::exists(paths_.client_next); }

  TempDir dir_;
  StatePaths paths_;
  DurableState state_;
  std::vector<std::string> losses_;
};

TEST_F(ClientFilesTest, ACrashBeforeTheCommitLeavesBoth) {
  Put(paths_.client, "old");
  Put(paths_.client_next, "new");
  state_.client = ClientState{4, Held("old")};
  Retain("new");
  Open();
  EXPECT_EQ(Current(), "old");
  EXPECT_TRUE(HasNext());
  EXPECT_TRUE(losses_.empty());
  EXPECT_TRUE(state_.retained->client_next);
}

TEST_F(ClientFilesTest, ACrashBeforeTheRenameIsFinished) {
  Put(paths_.client, "old");
  Put(paths_.client_next, "new");
  state_.client = ClientState{5, Held("new")};
  Open();
  EXPECT_EQ(Current(), "new");
  EXPECT_FALSE(HasNext());
  EXPECT_TRUE(losses_.empty());
}

TEST_F(ClientFilesTest, ACrashBehindTheRenameChangesNothing) {
  Put(paths_.client, "new");
  state_.client = ClientState{5, Held("new")};
  Open();
  EXPECT_EQ(Current(), "new");
  EXPECT_TRUE(losses_.empty());
}

TEST_F(ClientFilesTest, WhatAFitLeftThatWasNeverRetainedGoes) {
  Put(paths_.client, "old");
  Put(paths_.client_next, "new");
  state_.client = ClientState{4, Held("old")};
  Open();
  EXPECT_EQ(Current(), "old");
  EXPECT_FALSE(HasNext());
}

TEST_F(ClientFilesTest, ALostCurrentOneIsAFreshOneAndSaidSo) {
  state_.client = ClientState{4, Held("old")};
  Open();
  EXPECT_FALSE(state_.client);
  ASSERT_EQ(losses_.size(), 1U);
  EXPECT_NE(losses_[0].find("version 4 is lost"), std::string::npos) << losses_[0];
}

TEST_F(ClientFilesTest, AFlippedBitIsALostOne) {
  Put(paths_.client, "olf");
  state_.client = ClientState{4, Held("old")};
  Open();
  EXPECT_FALSE(state_.client);
  EXPECT_EQ(losses_.size(), 1U);
  EXPECT_EQ(Current(), "") << "what nothing names is removed";
}

TEST_F(ClientFilesTest, ALostNextOneLeavesTheUpdateAndTheCurrentOne) {
  Put(paths_.client, "old");
  state_.client = ClientState{4, Held("old")};
  Retain("new");
  Open();
  ASSERT_TRUE(state_.retained);
  EXPECT_FALSE(state_.retained->client_next);
  EXPECT_TRUE(state_.client);
  ASSERT_EQ(losses_.size(), 1U);
  EXPECT_NE(losses_[0].find("l1.r5.s2.t0"), std::string::npos) << losses_[0];
}

TEST_F(ClientFilesTest, AnEmptyDirectoryIsAFreshState) {
  Open();
  EXPECT_FALSE(state_.client);
  EXPECT_TRUE(losses_.empty());
}

TEST_F(ClientFilesTest, ReadingChecksTheDigest) {
  Put(paths_.client, "old");
  EXPECT_TRUE(ReadClientFile(paths_.client, Held("old")));
  EXPECT_EQ(ReadClientFile(paths_.client, Held("new")).error().reason, Reason::damage);
  EXPECT_EQ(ReadClientFile(paths_.client_next, Held("new")).error().reason, Reason::not_found);
}

}  // namespace
}  // namespace muster::participant
