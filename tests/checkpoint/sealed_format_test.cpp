// The worked examples of docs/storage-format.md, "Encryption": bytes that no build may read
// otherwise. They were computed with another implementation of AES-GCM.
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <fstream>
#include <string>

#include "checkpoint/internal/key_ring.h"
#include "checkpoint/internal/value_seal.h"
#include "checkpoint/spool.h"
#include "protocol/record_codec.h"
#include "tests/checkpoint/keys.h"
#include "tests/support/temp_dir.h"

namespace muster::checkpoint {
namespace {

constexpr std::string_view kKeyFile =
    "4d5354524b455953"
    "01000000"
    "505152535455565758595a5b5c5d5e5f"
    "c0c1c2c3c4c5c6c7c8c9cacb"
    "2c000000"
    "13255d2fa30af7663ef57614a0fc3225e6d16645ecbb37ac3cb121ed9783c663"
    "1b0bf00b61574cfbb91c3344"
    "48df7b0c840943378cee5446c1ae622e"
    "1a28ae2632f533e6f54f93069990f589";
constexpr std::string_view kSealedEpoch =
    "01"
    "01000000"
    "d0d1d2d3d4d5d6d7d8d9dadb"
    "2da4e66e68a7f1a158d75fd9a392b4c3de095dd5409db84633"
    "cfc0dbfc03f3710670d1c12d7443464b";
constexpr std::string_view kSpoolEntry =
    "01000000"
    "e0e1e2e3e4e5e6e7e8e9eaeb"
    "21dba26303c9be6a25d1421c030d645f";

std::string FromHex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

class SealedFormatTest : public testing::Test {
 protected:
  SealedFormatTest() {
    std::ofstream(directory_ / "keys", std::ios::binary) << FromHex(kKeyFile);
    auto ring = KeyRing::Open(rocksdb::FileSystem::Default(), directory_.path(), TestKey(0xaa));
    EXPECT_TRUE(ring) << ring.error().Text();
    if (ring) ring_ = *ring;
  }

  TempDir directory_;
  KeyRingPtr ring_;
};

TEST_F(SealedFormatTest, TheKeyFileGivesItsDataKey) {
  ASSERT_NE(ring_, nullptr);
  EXPECT_EQ(Hex(ring_->state_id()), "505152535455565758595a5b5c5d5e5f");
  ASSERT_NE(ring_->Find(1), nullptr);
  EXPECT_EQ(Hex(ring_->Find(1)->cipher.key().Reveal()),
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  EXPECT_EQ(ring_->Find(2), nullptr);
}

TEST_F(SealedFormatTest, TheSealedEpochIsTheWorkedRecord) {
  ASSERT_NE(ring_, nullptr);
  const std::string sealed = FromHex(kSealedEpoch);
  const auto value = OpenValue(*ring_, Family::meta, "epoch", AsBytes(sealed));
  ASSERT_TRUE(value) << value.error().Text();
  const EpochRecord epoch{.epoch = {.number = 3, .nonce = 0x1122334455667788}, .starts = 3};
  // The worked bytes hold a record of format 1; this record has the same fields since.
  Bytes worked = EncodeRecord(epoch);
  worked.front() = std::byte{1};
  EXPECT_EQ(Hex(AsBytes(*value)), Hex(worked));
  EXPECT_FALSE(OpenValue(*ring_, Family::meta, "finish", AsBytes(sealed)));
  EXPECT_FALSE(OpenValue(*ring_, Family::ledger, "epoch", AsBytes(sealed)));
}

TEST_F(SealedFormatTest, TheSpoolsBlockIsReadWhereItLies) {
  ASSERT_NE(ring_, nullptr);
  constexpr std::size_t kPage = 4096;
  Bytes block(kPage);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i % 251);
  const std::string entry = FromHex(kSpoolEntry);
  const std::string place = FromHex("01000000505152535455565758595a5b5c5d5e5f0200000000000000");
  Bytes sealed(kPage);
  const GcmTag tag = ring_->Find(1)->cipher.Seal(
      LoadLittle<GcmNonce>(AsBytes(entry), sizeof(DataKeyId)), AsBytes(place), block, sealed);
  EXPECT_EQ(Hex(ByteSpan(sealed).first(16)), "34c3cb80f1c58c2cc80a74455211f68c");
  EXPECT_EQ(Hex(tag), kSpoolEntry.substr(32));
  // Extent 2 of three, each a page of blocks and a page of table.
  std::string file(4 * kPage, '\0');
  file += AsText(sealed);
  file += entry;
  file.resize(6 * kPage);
  std::ofstream(directory_ / "spool", std::ios::binary) << file;
  auto spool = OpenSpool(directory_.path(), TestKey(0xaa));
  ASSERT_TRUE(spool) << spool.error().Text();
  ASSERT_TRUE((*spool)->Prepare(kPage, 3));
  Bytes read(kPage);
  const Status status = (*spool)->Read(2, 0, read);
  ASSERT_TRUE(status) << status.error().Text();
  EXPECT_EQ(read, block);
}

}  // namespace
}  // namespace muster::checkpoint
