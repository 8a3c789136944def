#include "coordinator/runtime/version_thread.h"

#include <gtest/gtest.h>

#include <semaphore>

#include "aggregation/version.h"
#include "checkpoint/load.h"
#include "tests/coordinator_runtime/memory_store.h"

namespace muster::coordinator {
namespace {

class VersionThreadTest : public ::testing::Test {
 protected:
  VersionThreadTest() : inbox_([this] { woken_.release(); }), thread_(*store_, inbox_) {
    auto layout = ParameterLayout::Create({{"p", DType::f32, {600'000}}});  // Two chunks and a bit.
    auto contents = std::make_shared<ParameterSet>(*layout);
    contents->F32(0)[599'999] = 0.5F;
    contents_ = contents;
  }

  InboxItem AnswerTo(Version version) {
    thread_.Do(StoreVersion{version}, contents_);
    woken_.acquire();
    return inbox_.TakeAll().at(0);
  }
  template <typename Answer>
  bool IsStored(const InboxItem& item, Version version) {
    const auto* event = std::get_if<Event>(&item);
    const auto* answer = event != nullptr ? std::get_if<Answer>(event) : nullptr;
    return answer != nullptr && answer->version == version;
  }

  muster::testing::MemoryDisk disk_;
  std::unique_ptr<CheckpointStore> store_ = disk_.OpenStore();
  std::counting_semaphore<> woken_{0};
  Inbox inbox_;
  std::shared_ptr<const ParameterSet> contents_;
  VersionThread thread_;
};

TEST_F(VersionThreadTest, AVersionIsStoredInItsChunks) {
  EXPECT_TRUE(IsStored<VersionStored>(AnswerTo(4), 4));
  const auto manifest = DescribeVersion(*contents_, 1, 4);
  ASSERT_TRUE(manifest.has_value());
  EXPECT_EQ(manifest->chunk_digests.size(), 3U);
  const auto read = LoadVersion(*store_, *manifest);
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  EXPECT_TRUE(std::ranges::equal(read->bytes(), contents_->bytes()));
}

TEST_F(VersionThreadTest, AFullDiskIsAnAnswerAndTheNextTryMaySucceed) {
  disk_.FailVersions(Error{Reason::disk_full, "no space"});
  EXPECT_TRUE(IsStored<VersionStoreRefused>(AnswerTo(4), 4));
  EXPECT_TRUE(disk_.held().empty());
  disk_.FailVersions({});
  EXPECT_TRUE(IsStored<VersionStored>(AnswerTo(4), 4));
}

TEST_F(VersionThreadTest, AFailedDiskEndsTheProcess) {
  disk_.FailVersions(Error{Reason::io_failed, "the disk is gone"});
  const InboxItem item = AnswerTo(4);
  const auto* failed = std::get_if<ThreadFailed>(&item);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->error.reason, Reason::io_failed);
}

TEST_F(VersionThreadTest, NothingIsStoredAfterTheEnd) {
  thread_.Finish();
  thread_.Do(StoreVersion{4}, contents_);
  EXPECT_TRUE(disk_.held().empty());
  EXPECT_EQ(inbox_.size(), 0U);
}

}  // namespace
}  // namespace muster::coordinator
