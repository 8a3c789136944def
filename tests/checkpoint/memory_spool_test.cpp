// The spool in memory keeps what was written, extent by extent.
#include "checkpoint/memory_spool.h"

#include <gtest/gtest.h>

#include "common/bytes.h"

namespace muster {
namespace {

TEST(MemorySpool, ReadsWhatWasWrittenToThatExtent) {
  const auto spool = CreateMemorySpool();
  ASSERT_TRUE(spool->Prepare(8, 2).has_value());
  ASSERT_TRUE(spool->Write(0, 0, AsBytes("abcd")).has_value());
  ASSERT_TRUE(spool->Write(0, 4, AsBytes("efgh")).has_value());
  ASSERT_TRUE(spool->Write(1, 0, AsBytes("01234567")).has_value());
  ASSERT_TRUE(spool->Sync().has_value());
  Bytes read(5);
  ASSERT_TRUE(spool->Read(0, 2, read).has_value());
  EXPECT_EQ(AsText(read), "cdefg");
  ASSERT_TRUE(spool->Read(1, 3, read).has_value());
  EXPECT_EQ(AsText(read), "34567");
}

TEST(MemorySpool, ARecycledExtentHoldsNothingOfTheUpdateBefore) {
  const auto spool = CreateMemorySpool();
  ASSERT_TRUE(spool->Prepare(8, 1).has_value());
  ASSERT_TRUE(spool->Write(0, 0, AsBytes("01234567")).has_value());
  ASSERT_TRUE(spool->Write(0, 0, AsBytes("ab")).has_value());
  Bytes read(3);
  EXPECT_EQ(spool->Read(0, 0, read).error().reason, Reason::io_failed);
  EXPECT_TRUE(spool->Read(0, 0, MutableByteSpan(read).first(2)).has_value());
}

TEST(MemorySpool, ShowsWhatLiesThereAndNoMore) {
  const auto spool = CreateMemorySpool();
  ASSERT_TRUE(spool->Prepare(8, 2).has_value());
  EXPECT_TRUE(spool->View(1, 1).empty()) << "nothing was written";
  ASSERT_TRUE(spool->Write(1, 0, AsBytes("abcd")).has_value());
  EXPECT_EQ(AsText(spool->View(1, 4)), "abcd");
  EXPECT_TRUE(spool->View(1, 5).empty());
  EXPECT_TRUE(spool->View(0, 1).empty());
}

TEST(MemorySpool, GrowsAndKeepsWhatFits) {
  const auto spool = CreateMemorySpool();
  ASSERT_TRUE(spool->Prepare(4, 1).has_value());
  ASSERT_TRUE(spool->Write(0, 0, AsBytes("abcd")).has_value());
  ASSERT_TRUE(spool->Prepare(4, 3).has_value());
  Bytes read(4);
  ASSERT_TRUE(spool->Read(0, 0, read).has_value());
  EXPECT_EQ(AsText(read), "abcd");
  EXPECT_TRUE(spool->Write(2, 0, AsBytes("wxyz")).has_value());
}

}  // namespace
}  // namespace muster
