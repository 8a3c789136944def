#include "coordinator/runtime/upload_workers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <semaphore>

#include "common/digest.h"
#include "tests/support/temp_dir.h"

namespace muster::coordinator {
namespace {

constexpr std::uint64_t kValues = 64;
constexpr std::uint32_t kChunkBytes = 64;
constexpr std::uint64_t kUpdateBytes = kValues * sizeof(float);

/// Keeps what is written; can hold writers back and fail them.
class TestSpool : public Spool {
 public:
  Status Prepare(std::uint64_t, std::uint32_t) override { return {}; }
  Status Write(std::uint32_t extent, std::uint64_t offset, ByteSpan bytes) override {
    if (hold_) {
      entered_.release();
      go_.acquire();
    }
    std::lock_guard lock(mutex_);
    if (fail_) return Error{*fail_, "as the test wants"};
    Bytes& kept = extents_[extent];
    kept.resize(kUpdateBytes);
    std::memcpy(kept.data() + offset, bytes.data(), bytes.size());
    return {};
  }
  Status Sync() override { return {}; }
  Status Read(std::uint32_t, std::uint64_t, MutableByteSpan) const override { return {}; }

  std::atomic<bool> hold_ = false;
  std::counting_semaphore<> entered_{0};
  std::counting_semaphore<> go_{0};
  std::mutex mutex_;
  std::optional<Reason> fail_;
  std::map<std::uint32_t, Bytes> extents_;
};

class UploadWorkersTest : public ::testing::Test {
 protected:
  UploadWorkersTest() : layout_(*ParameterLayout::Create({{"p", DType::f32, {kValues}}})) {
    EXPECT_TRUE(shared_.Prepare(kUpdateBytes, 8).has_value());
    workers_.emplace(layout_, 4, payloads_, shared_, inbox_);
  }

  static Bytes Update(float value) {
    std::vector<float> values(kValues, value);
    Bytes bytes(kUpdateBytes);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  void Open(UploadId id, std::uint32_t extent) {
    workers_->Do(OpenUpload{id, {extent}, kUpdateBytes});
  }
  void Store(UploadId id, const Bytes& update, std::uint64_t offset, std::uint64_t wrong = 0) {
    auto chunk = std::make_shared<Bytes>(update.begin() + static_cast<long>(offset),
                                         update.begin() + static_cast<long>(offset + kChunkBytes));
    const ByteSpan bytes = *chunk;
    const PayloadHandle handle = payloads_.Park({chunk, bytes});
    workers_->Do(StoreChunk{id, handle, offset, kChunkBytes, Xxh64Of(bytes) + wrong});
  }
  void StoreAll(UploadId id, const Bytes& update) {
    for (std::uint64_t at = 0; at < kUpdateBytes; at += kChunkBytes) Store(id, update, at);
  }
  /// The next item that a worker left; waits for it.
  InboxItem Next() {
    while (items_.empty()) {
      arrived_.acquire();
      for (InboxItem& item : inbox_.TakeAll()) items_.push_back(std::move(item));
    }
    InboxItem item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  template <typename T>
  T NextEvent() {
    const InboxItem item = Next();
    const auto* event = std::get_if<Event>(&item);
    const T* found = event != nullptr ? std::get_if<T>(event) : nullptr;
    EXPECT_NE(found, nullptr) << "another event came";
    return found != nullptr ? *found : T{};
  }
  void AwaitChecked(UploadId id, const Bytes& update) {
    for (std::uint64_t at = kChunkBytes; at <= kUpdateBytes; at += kChunkBytes) {
      EXPECT_EQ(NextEvent<ChunkStored>().offset, at);
    }
    const auto checked = NextEvent<UploadChecked>();
    EXPECT_EQ(checked.upload, id);
    EXPECT_EQ(checked.digest, Xxh128Of(update));
  }

  ParameterLayout layout_;
  std::counting_semaphore<> arrived_{0};
  Inbox inbox_{[this] { arrived_.release(); }};
  std::deque<InboxItem> items_;
  PayloadTable payloads_;
  TestSpool spool_;
  SharedSpool shared_{spool_};
  std::optional<UploadWorkers> workers_;
};

TEST_F(UploadWorkersTest, ChunksAreStoredInOrderAndTheWholeIsChecked) {
  const Bytes update = Update(0.5F);
  Open(1, 0);
  StoreAll(1, update);
  AwaitChecked(1, update);
  EXPECT_EQ(spool_.extents_[0], update);
  workers_->Finish();
  EXPECT_EQ(payloads_.parked_bytes(), 0U);
}

TEST_F(UploadWorkersTest, AWrongChecksumRejectsTheUploadFromThereOn) {
  const Bytes update = Update(0.5F);
  spool_.hold_ = true;
  Open(1, 0);
  Store(1, update, 0);
  spool_.entered_.acquire();
  Store(1, update, kChunkBytes, /*wrong=*/1);
  Store(1, update, 2 * kChunkBytes);
  spool_.hold_ = false;
  spool_.go_.release();
  EXPECT_EQ(NextEvent<ChunkStored>().offset, kChunkBytes);
  EXPECT_EQ(NextEvent<ChunkRejected>().reason, Reason::checksum_mismatch);
  workers_->Finish();
  EXPECT_TRUE(inbox_.TakeAll().empty());
  EXPECT_EQ(payloads_.parked_bytes(), 0U);
}

TEST_F(UploadWorkersTest, InfinityIsRejectedByNameAndNotWritten) {
  Bytes update = Update(0.5F);
  const float infinity = std::numeric_limits<float>::infinity();
  std::memcpy(update.data() + 8, &infinity, sizeof(infinity));
  Open(1, 0);
  Store(1, update, 0);
  EXPECT_EQ(NextEvent<ChunkRejected>().reason, Reason::not_finite);
  EXPECT_TRUE(spool_.extents_.empty());
}

TEST_F(UploadWorkersTest, AFullDiskIsAnAnswerAndABrokenOneTheEnd) {
  spool_.fail_ = Reason::disk_full;
  Open(1, 0);
  Store(1, Update(0.5F), 0);
  EXPECT_EQ(NextEvent<ChunkRejected>().reason, Reason::disk_full);
  spool_.fail_ = Reason::io_failed;
  Open(2, 1);
  Store(2, Update(0.5F), 0);
  const InboxItem item = Next();
  ASSERT_TRUE(std::holds_alternative<ThreadFailed>(item));
  EXPECT_EQ(std::get<ThreadFailed>(item).error.reason, Reason::io_failed);
}

TEST_F(UploadWorkersTest, AnExtentGivenAwayIsNotWrittenByItsOldHolderAfterwards) {
  const Bytes old_update = Update(1.0F);
  const Bytes new_update = Update(2.0F);
  spool_.hold_ = true;
  Open(1, 0);
  Store(1, old_update, 0);
  spool_.entered_.acquire();  // A worker is inside the write of the old upload.
  spool_.hold_ = false;
  workers_->Do(CloseUpload{1});
  Open(2, 0);
  StoreAll(2, new_update);
  Open(3, 1);
  StoreAll(3, old_update);
  AwaitChecked(3, old_update);  // Others go on, the extent's new holder waits.
  EXPECT_TRUE(spool_.extents_[0].empty());
  spool_.go_.release();
  EXPECT_EQ(NextEvent<ChunkStored>().upload, 1U);
  AwaitChecked(2, new_update);
  EXPECT_EQ(spool_.extents_[0], new_update);
}

TEST_F(UploadWorkersTest, ClosingForgetsWhatWaits) {
  spool_.hold_ = true;
  Open(1, 0);
  StoreAll(1, Update(1.0F));
  spool_.entered_.acquire();
  workers_->Do(CloseUpload{1});
  spool_.go_.release();
  EXPECT_EQ(NextEvent<ChunkStored>().offset, kChunkBytes);
  workers_->Finish();
  EXPECT_TRUE(inbox_.TakeAll().empty());
  EXPECT_EQ(payloads_.parked_bytes(), 0U);
}

TEST_F(UploadWorkersTest, ManyUploadsGoSideBySide) {
  constexpr UploadId kUploads = 8;
  for (UploadId id = 0; id < kUploads; ++id) Open(id, static_cast<std::uint32_t>(id));
  for (std::uint64_t at = 0; at < kUpdateBytes; at += kChunkBytes) {
    for (UploadId id = 0; id < kUploads; ++id) Store(id, Update(static_cast<float>(id)), at);
  }
  std::set<UploadId> checked;
  std::map<UploadId, std::uint64_t> stored;
  while (checked.size() < kUploads) {
    const InboxItem item = Next();
    const Event& event = std::get<Event>(item);
    if (const auto* chunk = std::get_if<ChunkStored>(&event)) {
      EXPECT_EQ(chunk->offset, stored[chunk->upload] + kChunkBytes);
      stored[chunk->upload] = chunk->offset;
    } else {
      checked.insert(std::get<UploadChecked>(event).upload);
    }
  }
}

TEST(SharedSpoolTest, AReadBeforeThereIsRoomWaitsForIt) {
  TestSpool spool;
  SharedSpool shared(spool);
  std::atomic<bool> prepared = false;
  std::thread reader([&] {
    EXPECT_TRUE(shared.Read(0, 0, {}).has_value());
    EXPECT_TRUE(prepared);
  });
  prepared = true;
  EXPECT_TRUE(shared.Prepare(1, 1).has_value());
  reader.join();
}

TEST(SharedSpoolTest, ClosingEndsTheWait) {
  TestSpool spool;
  SharedSpool shared(spool);
  std::thread reader([&] {
    const Status read = shared.Read(0, 0, {});
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().reason, Reason::cancelled);
  });
  shared.Close();
  reader.join();
}

}  // namespace
}  // namespace muster::coordinator
