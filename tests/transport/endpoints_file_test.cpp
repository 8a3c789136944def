// endpoints.json: what is written comes back, every flipped bit is found, and files that a person
// or another build wrote are told from it.
#include "transport/endpoints_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/file.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

class EndpointsTest : public testing::Test {
 protected:
  EndpointsTest() { target_.server_key.bytes.fill(std::byte{7}); }

  std::string Path() const { return directory_ / "endpoints.json"; }
  std::string Text() const { return std::string(AsText(*ReadFile(Path(), 4096))); }
  void Put(const std::string& text) const {
    ASSERT_TRUE(std::ofstream(Path(), std::ios::binary) << text << std::flush);
  }
  std::string WrittenText() const {
    EXPECT_TRUE(WriteEndpoints(Path(), target_));
    return Text();
  }
  /// Without format and checksum.
  std::string TextByHand() const {
    return R"({"bulk":"tcp://127.0.0.1:2","control":"tcp://127.0.0.1:1","server_key":")" +
           target_.server_key.Z85() + "\"}";
  }
  void ExpectTarget() const {
    const auto read = ReadEndpoints(Path());
    ASSERT_TRUE(read) << read.error().Text();
    EXPECT_EQ(read->control_endpoint, target_.control_endpoint);
    EXPECT_EQ(read->bulk_endpoint, target_.bulk_endpoint);
    EXPECT_EQ(read->server_key, target_.server_key);
  }

  const TempDir directory_;
  ClientTransport::Target target_{"tcp://127.0.0.1:1", "tcp://127.0.0.1:2", {}};
};

TEST_F(EndpointsTest, WhatIsWrittenIsRead) {
  const auto none = ReadEndpoints(Path());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, Reason::not_found);
  // The example of docs/storage-format.md.
  EXPECT_EQ(WrittenText(),
            R"({"format":2,"control":"tcp://127.0.0.1:1","bulk":"tcp://127.0.0.1:2",)"
            R"("server_key":"2l$Fs2l$Fs2l$Fs2l$Fs2l$Fs2l$Fs2l$Fs2l$Fs",)"
            R"("checksum":"cf41f806fb05b9d6bc7d4ee47e10b272"})"
            "\n");
  ExpectTarget();
}

TEST_F(EndpointsTest, EveryFlippedBitIsFound) {
  const std::string text = WrittenText();
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    Put(flipped);
    const auto read = ReadEndpoints(Path());
    ASSERT_FALSE(read) << "bit " << bit << ": " << flipped;
    // A flip may make the format a newer one's.
    EXPECT_TRUE(read.error().reason == Reason::file_malformed ||
                read.error().reason == Reason::unsupported)
        << read.error().Text();
    EXPECT_NE(read.error().message.find(Path()), std::string::npos) << read.error().message;
  }
}

TEST_F(EndpointsTest, EveryTornFileIsFound) {
  const std::string text = WrittenText();
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {  // The newline says nothing.
    Put(text.substr(0, size));
    EXPECT_FALSE(ReadEndpoints(Path())) << text.substr(0, size);
  }
}

TEST_F(EndpointsTest, AFileByHandNeedsNoChecksum) {
  Put(TextByHand());
  ExpectTarget();
}

TEST_F(EndpointsTest, OneOfANewerFormatIsUnsupported) {
  std::string text = WrittenText();
  Put(text.replace(text.find("\"format\":2"), 10, "\"format\":3"));
  const auto read = ReadEndpoints(Path());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, Reason::unsupported);
}

TEST_F(EndpointsTest, AnythingElseIsMalformed) {
  const std::string by_hand = TextByHand();
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string("null"),
        std::string(R"({"control":1,"bulk":"b"})"), std::string(R"({"control":"a","bulk":"b"})"),
        std::string(R"({"control":"a","bulk":"b","server_key":"short"})"),
        by_hand.substr(0, by_hand.size() - 1) + R"(,"more":1})",
        by_hand.substr(0, by_hand.size() - 1) + R"(,"format":2})"}) {
    Put(text);
    const auto read = ReadEndpoints(Path());
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().reason, Reason::file_malformed) << text;
  }
}

TEST_F(EndpointsTest, PortZeroKeepsThePortOfTheStartBefore) {
  EXPECT_EQ(KeepPort("tcp://0.0.0.0:0", "tcp://0.0.0.0:41023"), "tcp://0.0.0.0:41023");
  EXPECT_EQ(KeepPort("tcp://127.0.0.1:0", ""), "tcp://127.0.0.1:0");
  EXPECT_EQ(KeepPort("tcp://127.0.0.1:7700", "tcp://127.0.0.1:41023"), "tcp://127.0.0.1:7700");
  EXPECT_EQ(KeepPort("tcp://[::1]:0", "tcp://[::1]:9"), "tcp://[::1]:9");
}

}  // namespace
}  // namespace muster
