#include "aggregation/ordered_chunks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace muster {
namespace {

Bytes OneByte(std::size_t number) { return {static_cast<std::byte>(number)}; }

TEST(OrderedChunks, ArriveInOrderAndOneAtATime) {
  for (const std::size_t threads : {1, 2, 8}) {
    ThreadPool pool(threads);
    Bytes delivered;  // Unguarded: TSan sees a delivery beside another.
    const Status status = DeliverInOrder(
        pool, 100,
        [](std::size_t index, Bytes& chunk) {
          chunk = OneByte(index);
          return Status();
        },
        [&](ByteSpan chunk) {
          delivered.push_back(chunk[0]);
          return Status();
        });
    ASSERT_TRUE(status.has_value());
    ASSERT_EQ(delivered.size(), 100U);
    for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(delivered[i], OneByte(i)[0]);
  }
}

TEST(OrderedChunks, NoMoreThanTwoAThreadExist) {
  ThreadPool pool(2);
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::atomic<std::size_t> computed = 0;
    std::atomic<std::size_t> delivered = 0;
    std::atomic<bool> too_many = false;
    const Status status = DeliverInOrder(
        pool, 20,
        [&](std::size_t index, Bytes& chunk) {
          if (index >= delivered + 4) too_many = true;
          // The first is held back until the other thread has computed all it may.
          while (index == 0 && computed < 3) std::this_thread::yield();
          for (int i = 0; index == 0 && i < 100; ++i) std::this_thread::yield();
          chunk = OneByte(index);
          ++computed;
          return Status();
        },
        [&](ByteSpan) {
          ++delivered;
          return Status();
        });
    ASSERT_TRUE(status.has_value());
    ASSERT_FALSE(too_many);
  }
}

TEST(OrderedChunks, TheFirstErrorInOrderWinsAndNothingFollowsIt) {
  for (const std::size_t threads : {1, 2, 8}) {
    ThreadPool pool(threads);
    std::size_t delivered = 0;
    const Status status = DeliverInOrder(
        pool, 50,
        [](std::size_t index, Bytes& chunk) -> Status {
          chunk = OneByte(index);
          if (index < 5) return {};
          return Error{Reason::diverged, "chunk " + std::to_string(index)};
        },
        [&](ByteSpan) {
          ++delivered;
          return Status();
        });
    EXPECT_EQ(status.error().message, "chunk 5");
    EXPECT_EQ(delivered, 5U);
  }
}

}  // namespace
}  // namespace muster
