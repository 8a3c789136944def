// Encrypted states: nothing legible on the disk, no byte in another's place, no wrong key.
#include <gmock/gmock.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "checkpoint/internal/database.h"
#include "checkpoint/internal/key_ring.h"
#include "checkpoint/internal/value_seal.h"
#include "checkpoint/load.h"
#include "checkpoint/rekey.h"
#include "checkpoint/spool.h"
#include "checkpoint/verify.h"
#include "common/limits.h"
#include "tests/checkpoint/keys.h"
#include "tests/checkpoint/samples.h"
#include "tests/checkpoint/store_fixture.h"

namespace muster {
namespace {

using checkpoint::Database;
using checkpoint::Family;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kName = "hospital-of-the-seven-hills";
constexpr std::string_view kPattern = "0.70710678118654752440 is this model's weight";
constexpr std::size_t kTwoChunks = limits::kVersionChunkBytes + 4096;

class EncryptionTest : public StoreFixture {
 protected:
  EncryptionTest() { key_ = TestKey(1); }

  /// Version 1 in two chunks of text, its roster, and an accepted update in the spool.
  void Fill() {
    Open();
    RosterEntry entry = SampleRosterEntry(0);
    entry.name = kName;
    Write({PutJob{SampleJob()}, PutRosterEntry{entry}});
    auto writer = store_->BeginVersion(1);
    ASSERT_TRUE(writer) << writer.error().Text();
    const Bytes contents = Text(kTwoChunks);
    const ByteSpan bytes(contents);
    ASSERT_TRUE((*writer)->Append(bytes.first(limits::kVersionChunkBytes)));
    ASSERT_TRUE((*writer)->Append(bytes.subspan(limits::kVersionChunkBytes)));
    ASSERT_TRUE((*writer)->Finish());
    manifest_ = SampleManifest(1, contents);
    RoundRecord record = SampleRoundRecord(1);
    record.digest = manifest_.digest;
    Write({PutVersion{manifest_}, PutRoundRecord{record}, PutAccepted{AcceptedInRound2()}});
    auto spool = OpenSpool(directory(), key_);
    ASSERT_TRUE(spool) << spool.error().Text();
    ASSERT_TRUE((*spool)->Prepare(kTwoChunks, 2));
    ASSERT_TRUE((*spool)->Write(1, 0, contents));
    ASSERT_TRUE((*spool)->Sync());
  }
  static AcceptedUpdate AcceptedInRound2() {
    AcceptedUpdate update = SampleAccepted(2);
    update.id.round = update.counts_in = 2;
    return update;
  }
  static Bytes Text(std::size_t size) {
    Bytes text;
    while (text.size() < size) {
      const ByteSpan piece = AsBytes(kPattern);
      text.insert(text.end(), piece.begin(), piece.end());
    }
    text.resize(size);
    return text;
  }
  /// The database as it lies there, values sealed: for a hand that moves them.
  std::shared_ptr<Database> Raw() const {
    return *Database::OpenForWriting(rocksdb::FileSystem::Default(), FileOf("db"),
                                     checkpoint::Upkeep::automatic, nullptr);
  }
  static std::string RawValue(Database& raw, Family family, const std::string& key) {
    const auto value = raw.Get(family, key);
    EXPECT_TRUE(value.has_value() && value->has_value()) << checkpoint::KeyText(key);
    return value && *value ? **value : "";
  }
  static void Put(Database& raw, Family family, const std::string& key, std::string_view value) {
    const ByteSpan bytes = AsBytes(value);
    ASSERT_TRUE(raw.Write({{family, key, Bytes(bytes.begin(), bytes.end())}}, true));
  }
  Error ChunkError(std::uint32_t index) {
    const auto chunk = store_->ReadVersionChunk(manifest_, index);
    EXPECT_FALSE(chunk) << "the chunk is taken";
    return chunk ? Error{} : chunk.error();
  }
  void RemoveKeys() { std::filesystem::remove(FileOf("keys")); }

  VersionManifest manifest_;
};

/// All bytes that hold what is private: not the lock, the witness, FORMAT, keys.
std::string PrivateImage(const std::string& directory) {
  std::ifstream spool(directory + "/spool", std::ios::binary);
  return ImageOf(directory + "/db") + ImageOf(directory + "/stage") +
         std::string(std::istreambuf_iterator<char>(spool), {});
}

TEST_F(EncryptionTest, WhatIsWrittenComesBack) {
  Fill();
  Reopen();
  EXPECT_EQ(recovered().roster.at(0).name, kName);
  EXPECT_EQ(recovered().accepted.size(), 1U);
  const auto loaded = LoadVersion(*store_, manifest_);
  ASSERT_TRUE(loaded) << loaded.error().Text();
  const ByteSpan bytes = loaded->bytes();
  EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), Text(kTwoChunks));
  EXPECT_EQ(OpenReader()->recovered().roster.at(0).name, kName);
}

TEST_F(EncryptionTest, NothingLegibleLiesOnTheDisk) {
  for (const bool encrypted : {false, true}) {
    key_ = encrypted ? TestKey(1) : StateKey();
    current_ = temporary_ / (encrypted ? "sealed" : "plain");
    Fill();
    ASSERT_FALSE(HasFatalFailure());
    Close();
    const std::string image = PrivateImage(directory());
    ASSERT_GT(SizeOf(FileOf("spool")), kTwoChunks);
    for (const std::string_view secret : {kName, kPattern, std::string_view("weights")}) {
      EXPECT_EQ(image.find(secret) != std::string::npos, !encrypted) << secret;
    }
  }
}

TEST_F(EncryptionTest, TheFormatTellsOlderBuildsToStayAway) {
  Fill();
  std::ifstream encrypted(FileOf("FORMAT"));
  std::string line;
  std::getline(encrypted, line);
  EXPECT_EQ(line, "muster state 3");
  Close();
  key_ = {};
  current_ = temporary_ / "plain";
  Open();
  std::ifstream plain(FileOf("FORMAT"));
  std::getline(plain, line);
  EXPECT_EQ(line, "muster state 2");
  EXPECT_FALSE(std::filesystem::exists(FileOf("keys")));
}

// --- The key -------------------------------------------------------------------------------------

TEST_F(EncryptionTest, AWrongKeyIsRefusedAndNothingChanges) {
  Fill();
  Close();
  const std::string before = ImageOf(directory());
  for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
    key_ = TestKey(2);
    EXPECT_EQ(OpenError(mode).reason, Reason::wrong_state_key);
    key_ = {};
    const Error missing = OpenError(mode);
    EXPECT_EQ(missing.reason, Reason::state_key_missing);
    EXPECT_THAT(missing.message, HasSubstr("MUSTER_STATE_KEY"));
  }
  EXPECT_EQ(OpenSpool(directory(), TestKey(2)).error().reason, Reason::wrong_state_key);
  EXPECT_EQ(OpenSpool(directory()).error().reason, Reason::state_key_missing);
  EXPECT_EQ(ImageOf(directory()), before);
  key_ = TestKey(1);
  Open();
}

TEST_F(EncryptionTest, AKeyForAPlainStateIsRefused) {
  key_ = {};
  Open();
  Close();
  const std::string before = ImageOf(directory());
  key_ = TestKey(1);
  for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
    const Error error = OpenError(mode);
    EXPECT_EQ(error.reason, Reason::state_not_encrypted);
    EXPECT_THAT(error.message, HasSubstr("new state directory"));
  }
  EXPECT_EQ(OpenSpool(directory(), key_).error().reason, Reason::state_not_encrypted);
  EXPECT_EQ(ImageOf(directory()), before);
}

TEST_F(EncryptionTest, AnyChangedByteOfTheKeyFileIsDamageAndNotAWrongKey) {
  Fill();
  Close();
  const std::string keys = FileOf("keys");
  const std::uint64_t size = SizeOf(keys);
  constexpr std::uint64_t kFormatEnd = 12;
  for (std::uint64_t offset = 0; offset < size; ++offset) {
    Flip(keys, offset);
    const Error error = OpenError();
    const bool newer = offset >= 8 && offset < kFormatEnd;
    EXPECT_EQ(error.reason, newer ? Reason::unsupported : Reason::damage) << offset;
    EXPECT_THAT(error.message, HasSubstr("/keys")) << offset;
    Flip(keys, offset);
  }
  Truncate(keys, size - 1);
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

TEST_F(EncryptionTest, WithoutItsKeyFileTheStateIsDamaged) {
  Fill();
  Close();
  RemoveKeys();
  for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::read_only}) {
    const Error error = OpenError(mode);
    EXPECT_EQ(error.reason, Reason::damage);
    EXPECT_THAT(error.message, HasSubstr("keys is gone"));
  }
  EXPECT_FALSE(std::filesystem::exists(FileOf("keys"))) << "another one would hide the loss";
}

TEST_F(EncryptionTest, AFormatThatContradictsTheKeyFileIsDamage) {
  Fill();
  Close();
  std::ofstream(FileOf("FORMAT")) << "muster state 2\n";
  EXPECT_EQ(OpenError().reason, Reason::damage);
  key_ = {};
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

TEST_F(EncryptionTest, ALostFormatDoesNotMakeAnEncryptedStatePlain) {
  Fill();
  Close();
  std::filesystem::remove(FileOf("FORMAT"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
  std::filesystem::remove(FileOf("witness"));
  EXPECT_EQ(OpenError().reason, Reason::damage);
  key_ = {};
  EXPECT_EQ(OpenError().reason, Reason::state_key_missing);
}

// --- Values --------------------------------------------------------------------------------------

TEST_F(EncryptionTest, SwappedChunksAreDamageThatNamesThem) {
  Fill();
  Close();
  {
    const auto raw = Raw();
    const std::string first = checkpoint::ChunkKey(1, 0);
    const std::string second = checkpoint::ChunkKey(1, 1);
    const std::string value = RawValue(*raw, Family::versions, first);
    Put(*raw, Family::versions, first, RawValue(*raw, Family::versions, second));
    Put(*raw, Family::versions, second, value);
  }
  Open();
  for (const std::uint32_t index : {0U, 1U}) {
    const Error error = ChunkError(index);
    EXPECT_EQ(error.reason, Reason::damage);
    EXPECT_THAT(error.message, HasSubstr("chunk " + std::to_string(index) + " of version 1"));
    EXPECT_THAT(error.message, HasSubstr("does not open"));
  }
  const auto verified = VerifyState(*store_, nullptr, [](Version) {});
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().reason, Reason::damage);
}

TEST_F(EncryptionTest, ChangedOrCutChunksAreDamage) {
  Fill();
  Close();
  const std::string key = checkpoint::ChunkKey(1, 1);
  const std::string whole = RawValue(*Raw(), Family::versions, key);
  const auto expect_damage = [&](const std::string& value, const std::string& what) {
    Put(*Raw(), Family::versions, key, value);
    Open();
    const Error error = ChunkError(1);
    EXPECT_EQ(error.reason, Reason::damage) << what;
    EXPECT_THAT(error.message, HasSubstr("chunk 1 of version 1")) << what;
    Close();
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{20}, std::size_t{32},
                                 whole.size() / 2, whole.size() - 1}) {
    expect_damage(whole.substr(0, size), "cut to " + std::to_string(size));
  }
  // Number of the data key, nonce, text, tag.
  for (const std::size_t offset : {std::size_t{1}, std::size_t{4}, std::size_t{5}, std::size_t{16},
                                   std::size_t{17}, whole.size() - 17, whole.size() - 1}) {
    std::string flipped = whole;
    flipped[offset] = static_cast<char>(flipped[offset] ^ 1);
    expect_damage(flipped, "flipped at " + std::to_string(offset));
  }
  Put(*Raw(), Family::versions, key, whole);
  Open();
  EXPECT_TRUE(store_->ReadVersionChunk(manifest_, 1));
}

TEST_F(EncryptionTest, ARecordUnderAnotherKeyIsDamageThatNamesIt) {
  Fill();
  Close();
  {
    const auto raw = Raw();
    Put(*raw, Family::meta, checkpoint::RosterKey(1),
        RawValue(*raw, Family::meta, checkpoint::RosterKey(0)));
  }
  const Error error = OpenError();
  EXPECT_EQ(error.reason, Reason::damage);
  EXPECT_THAT(error.message, HasSubstr("roster/00000001 of meta"));
}

TEST_F(EncryptionTest, ValuesOfAnotherStateOfTheSameKeyDoNotOpen) {
  Fill();
  Close();
  const std::string name = RawValue(*Raw(), Family::meta, checkpoint::RosterKey(0));
  current_ = temporary_ / "another";
  Fill();
  Close();
  Put(*Raw(), Family::meta, checkpoint::RosterKey(0), name);
  EXPECT_EQ(OpenError().reason, Reason::damage);
}

TEST_F(EncryptionTest, ANewerSealIsUnsupported) {
  Fill();
  Close();
  {
    const auto raw = Raw();
    std::string value = RawValue(*raw, Family::meta, checkpoint::RosterKey(0));
    value[0] = checkpoint::kSealFormat + 1;
    Put(*raw, Family::meta, checkpoint::RosterKey(0), value);
  }
  EXPECT_EQ(OpenError().reason, Reason::unsupported);
}

TEST_F(EncryptionTest, NoTwoValuesShareTheirNonce) {
  Open();
  Write({PutRosterEntry{SampleRosterEntry(0)}});
  Close();
  const std::string first = RawValue(*Raw(), Family::meta, checkpoint::RosterKey(0));
  Open();
  Write({PutRosterEntry{SampleRosterEntry(0)}});
  Close();
  const std::string second = RawValue(*Raw(), Family::meta, checkpoint::RosterKey(0));
  EXPECT_EQ(first.size(), second.size());
  EXPECT_NE(first.substr(5, 12), second.substr(5, 12));
}

// --- Another key ---------------------------------------------------------------------------------

TEST_F(EncryptionTest, ANewKeyOpensAllAndTheOldOneNothing) {
  Fill();
  Close();
  const std::string before = PrivateImage(directory());
  const auto fresh = RekeyState(directory(), TestKey(1), TestKey(2));
  ASSERT_TRUE(fresh) << fresh.error().Text();
  EXPECT_EQ(*fresh, 2U);
  EXPECT_EQ(PrivateImage(directory()), before) << "only the small file is written";
  EXPECT_EQ(OpenError().reason, Reason::wrong_state_key);
  key_ = TestKey(2);
  Open();
  EXPECT_EQ(recovered().roster.at(0).name, kName);
  EXPECT_TRUE(store_->ReadVersionChunk(manifest_, 1));
  Write({PutRosterEntry{SampleRosterEntry(1)}});
  Close();
  const auto key_of = [&](RosterIndex index) {
    return RawValue(*Raw(), Family::meta, checkpoint::RosterKey(index)).at(1);
  };
  EXPECT_EQ(key_of(0), 1);
  EXPECT_EQ(key_of(1), 2);
}

TEST_F(EncryptionTest, ANewKeyIsRefusedWhereItCannotBeSet) {
  Open();
  EXPECT_EQ(RekeyState(directory(), TestKey(1), TestKey(2)).error().reason, Reason::state_in_use);
  Close();
  const std::string before = ImageOf(directory());
  EXPECT_EQ(RekeyState(directory(), TestKey(3), TestKey(2)).error().reason,
            Reason::wrong_state_key);
  EXPECT_EQ(RekeyState(directory(), TestKey(1), TestKey(1)).error().reason, Reason::flag_invalid);
  EXPECT_EQ(ImageOf(directory()), before);
  EXPECT_EQ(RekeyState(temporary_ / "nowhere", TestKey(1), TestKey(2)).error().reason,
            Reason::not_found);
  key_ = {};
  current_ = temporary_ / "plain";
  Open();
  Close();
  EXPECT_EQ(RekeyState(directory(), TestKey(1), TestKey(2)).error().reason,
            Reason::state_not_encrypted);
}

}  // namespace
}  // namespace muster
