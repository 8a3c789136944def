#include "common/logfmt.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(LogfmtTest, HostileTextStaysOneLine) {
  EXPECT_EQ(LogfmtLine("refused", {{"text", "a\nb \"c\" = \\"}}),
            "refused text=\"a\\x0ab \\\"c\\\" = \\\\\"");
  EXPECT_EQ(LogfmtLine("m", {{"empty", ""}, {"plain", "l1.r2.s3"}}), "m empty=\"\" plain=l1.r2.s3");
}

TEST(LogfmtTest, LongTextIsCut) {
  const std::string line = LogfmtLine("m", {{"text", std::string(1 << 20, 'x')}});
  EXPECT_LT(line.size(), kLogValueBytesMax + 32);
  EXPECT_TRUE(line.ends_with("...\""));
}

}  // namespace
}  // namespace muster
