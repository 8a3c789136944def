// Waiting for a store whose last user is about to end.
#include "cli/store_wait.h"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

/// Answers with `reason` so many times, then with the number of the call.
class Attempts {
 public:
  Attempts(Reason reason, int failures) : reason_(reason), failures_(failures) {}
  Result<int> operator()() const {
    if (++calls_ <= failures_) return Error{reason_, "not now"};
    return calls_;
  }
  int calls() const { return calls_; }

 private:
  const Reason reason_;
  const int failures_;
  mutable int calls_ = 0;
};

TEST(AwaitStoreTest, AStoreThatIsFreedIsTaken) {
  const Result<int> taken = AwaitStore(Attempts(Reason::state_in_use, 3));
  ASSERT_TRUE(taken.has_value()) << taken.error().Text();
  EXPECT_EQ(*taken, 4);
}

TEST(AwaitStoreTest, WhateverElseIsSaidIsSaidAtOnce) {
  const Attempts attempts(Reason::damage, 1);
  EXPECT_EQ(AwaitStore(attempts).error().reason, Reason::damage);
  EXPECT_EQ(attempts.calls(), 1);
}

}  // namespace
}  // namespace muster::cli
