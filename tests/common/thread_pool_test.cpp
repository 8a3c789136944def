#include "common/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace muster {
namespace {

TEST(ThreadPool, EveryTurnIsTakenOnce) {
  for (const std::size_t threads : {1, 2, 8}) {
    ThreadPool pool(threads);
    for (const std::size_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> turns(count);
      pool.ParallelFor(count, [&](std::size_t i) { ++turns[i]; });
      for (const auto& turn : turns) EXPECT_EQ(turn, 1);
    }
  }
}

TEST(ThreadPool, APoolOfOneWorksInTheCallersThread) {
  ThreadPool pool(1);
  std::vector<std::size_t> order;
  pool.ParallelFor(5, [&](std::size_t i) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(ThreadPool, AsManyTurnsRunAtOnceAsThereAreThreads) {
  ThreadPool pool(4);
  std::latch all_here(4);  // Hangs unless four threads come.
  pool.ParallelFor(4, [&](std::size_t) { all_here.arrive_and_wait(); });
}

TEST(ThreadPool, ATurnMayWaitForALowerOne) {
  ThreadPool pool(3);
  std::mutex mutex;
  std::condition_variable moved;
  std::size_t next = 0;
  pool.ParallelFor(200, [&](std::size_t i) {
    std::unique_lock lock(mutex);
    moved.wait(lock, [&] { return next == i; });
    ++next;
    moved.notify_all();
  });
  EXPECT_EQ(next, 200U);
}

TEST(ThreadPool, ATurnMayRunALoopOfItsOwn) {
  ThreadPool pool(2);
  std::atomic<int> turns = 0;
  pool.ParallelFor(5, [&](std::size_t) { pool.ParallelFor(7, [&](std::size_t) { ++turns; }); });
  EXPECT_EQ(turns, 35);
}

TEST(ThreadPool, SeveralThreadsMayShareIt) {
  ThreadPool pool(3);
  std::vector<std::size_t> sums(4);
  std::vector<std::thread> callers;
  for (std::size_t& sum : sums) {
    callers.emplace_back([&pool, &sum] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<std::size_t> squares(20);
        pool.ParallelFor(20, [&](std::size_t i) { squares[i] = i * i; });
        for (const std::size_t square : squares) sum += square;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::size_t sum : sums) EXPECT_EQ(sum, 50U * 2470U);
}

}  // namespace
}  // namespace muster
