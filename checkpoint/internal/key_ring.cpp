#include "checkpoint/internal/key_ring.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "common/bytes.h"
#include "common/sealed.h"

namespace muster::checkpoint {
namespace {

constexpr std::string_view kMagic = "MSTRKEYS";
constexpr std::uint32_t kFormat = 1;
/// Number, key, messages reserved so far.
constexpr std::size_t kEntryBytes = sizeof(DataKeyId) + kAesKeyBytes + sizeof(std::uint64_t);
constexpr std::size_t kKeyFileBytesMax = 256 + kDataKeysMax * kEntryBytes;

/// The store and the spool of one process share the file: what one reserves the other must see.
std::mutex file_mutex;

struct Entry {
  DataKeyId id = 0;
  SecretBytes key;
  std::uint64_t reserved = 0;
};

struct KeyFile {
  StateId state_id{};
  std::vector<Entry> entries;  ///< Ascending; the last one seals.
};

/// What stands before the nonce: the tag covers it too.
Bytes AssociatedOf(const StateId& state_id) {
  const ByteSpan magic = AsBytes(kMagic);
  Bytes bytes(magic.begin(), magic.end());
  bytes.resize(magic.size() + sizeof(kFormat) + state_id.size());
  StoreLittle(bytes, magic.size(), kFormat);
  StoreLittle(bytes, magic.size() + sizeof(kFormat), state_id);
  return bytes;
}

Bytes EncodeEntries(const std::vector<Entry>& entries) {
  Bytes bytes(entries.size() * kEntryBytes);
  MutableByteSpan rest = bytes;
  for (const Entry& entry : entries) {
    StoreLittle(rest, 0, entry.id);
    std::ranges::copy(entry.key.Reveal(), rest.begin() + sizeof(DataKeyId));
    StoreLittle(rest, sizeof(DataKeyId) + kAesKeyBytes, entry.reserved);
    rest = rest.subspan(kEntryBytes);
  }
  return bytes;
}

/// Nothing if the numbers are not those of any key file.
std::optional<std::vector<Entry>> DecodeEntries(ByteSpan bytes) {
  std::vector<Entry> entries;
  for (; bytes.size() >= kEntryBytes; bytes = bytes.subspan(kEntryBytes)) {
    Entry entry;
    entry.id = LoadLittle<DataKeyId>(bytes, 0);
    entry.key = SecretBytes(bytes.subspan(sizeof(DataKeyId), kAesKeyBytes));
    entry.reserved = LoadLittle<std::uint64_t>(bytes, sizeof(DataKeyId) + kAesKeyBytes);
    if (entry.id == 0 || (!entries.empty() && entry.id <= entries.back().id)) return std::nullopt;
    entries.push_back(std::move(entry));
  }
  if (!bytes.empty() || entries.empty()) return std::nullopt;
  return entries;
}

Status WriteKeyFile(rocksdb::FileSystem& files, const std::string& state_dir, const KeyFile& file,
                    const StateKey& key) {
  Bytes text = EncodeEntries(file.entries);
  const GcmNonce nonce = RandomNonce();
  const Aes256Gcm cipher(SecretBytes(key.bytes().Reveal()));
  const GcmTag tag = cipher.Seal(nonce, AssociatedOf(file.state_id), text, text);
  SealedWriter writer(kMagic, kFormat);
  writer.Put(file.state_id);
  writer.Put(nonce);
  writer.Put(static_cast<std::uint32_t>(text.size()));
  writer.PutBytes(text);
  writer.Put(tag);
  return WriteSmallFile(files, state_dir, KeysPath(state_dir), AsText(writer.Seal()));
}

Result<KeyFile> ReadKeyFile(rocksdb::FileSystem& files, const std::string& state_dir,
                            const StateKey& key) {
  const std::string path = KeysPath(state_dir);
  auto text = ReadSmallFile(files, path, kKeyFileBytesMax);
  MUSTER_TRY(text);
  const auto damaged = [&path](std::string_view what) {
    return Error{Reason::damage,
                 path + " holds the keys of all that is stored, and " + std::string(what) +
                     "; put a copy of this file back, or restore the state from its mirror"};
  };
  auto reader = SealedReader::Open(AsBytes(*text), kMagic, kFormat);
  if (!reader && reader.error().reason == Reason::unsupported) {
    return Error{Reason::unsupported, path + ": " + reader.error().message};
  }
  if (!reader) return damaged(reader.error().message);
  KeyFile file;
  file.state_id = reader->Take<StateId>();
  const auto nonce = reader->Take<GcmNonce>();
  const ByteSpan sealed = reader->TakeBytes(reader->Take<std::uint32_t>());
  const auto tag = reader->Take<GcmTag>();
  if (const Status whole = reader->Finish(); !whole) return damaged(whole.error().message);
  Bytes entries(sealed.size());
  // The checksum above tells damage: what is whole and does not open has another key.
  const Aes256Gcm cipher(SecretBytes(key.bytes().Reveal()));
  if (!cipher.Open(nonce, AssociatedOf(file.state_id), sealed, tag, entries)) {
    return Error{Reason::wrong_state_key, "the key given is not the one that " + state_dir +
                                              " is encrypted under; nothing was changed"};
  }
  auto decoded = DecodeEntries(entries);
  WipeBytes(entries);
  if (!decoded) return damaged("lists no keys");
  file.entries = std::move(*decoded);
  return file;
}

Status AddKey(KeyFile* file, const std::string& state_dir) {
  if (file->entries.size() >= kDataKeysMax) {
    return Error{Reason::too_large, KeysPath(state_dir) + " holds " + std::to_string(kDataKeysMax) +
                                        " data keys, and takes no more; restore the state into a "
                                        "new directory, which seals it under one"};
  }
  const DataKeyId id = file->entries.empty() ? 1 : file->entries.back().id + 1;
  file->entries.push_back({id, RandomSecret(kAesKeyBytes), 0});
  return {};
}

DataKeyPtr DataKeyOf(const Entry& entry) {
  return std::make_shared<const DataKey>(
      DataKey{entry.id, Aes256Gcm(SecretBytes(entry.key.Reveal()))});
}

}  // namespace

KeyRing::KeyRing(FileSystemPtr files, std::string state_dir, StateKey key)
    : files_(std::move(files)), state_dir_(std::move(state_dir)), key_(std::move(key)) {}

Status KeyRing::Create(rocksdb::FileSystem& files, const std::string& state_dir,
                       const StateKey& key) {
  KeyFile file;
  const SecretBytes id = RandomSecret(file.state_id.size());
  std::ranges::copy(id.Reveal(), file.state_id.begin());
  MUSTER_TRY(AddKey(&file, state_dir));
  return WriteKeyFile(files, state_dir, file, key);
}

Result<std::shared_ptr<KeyRing>> KeyRing::Open(FileSystemPtr files, const std::string& state_dir,
                                               const StateKey& key) {
  auto file = ReadKeyFile(*files, state_dir, key);
  MUSTER_TRY(file);
  std::shared_ptr<KeyRing> ring(new KeyRing(std::move(files), state_dir, key));
  ring->state_id_ = file->state_id;
  for (const Entry& entry : file->entries) ring->keys_[entry.id] = DataKeyOf(entry);
  return ring;
}

Result<DataKeyId> KeyRing::Rekey(const FileSystemPtr& files, const std::string& state_dir,
                                 const StateKey& old_key, const StateKey& new_key) {
  const std::lock_guard guard(file_mutex);
  auto file = ReadKeyFile(*files, state_dir, old_key);
  MUSTER_TRY(file);
  MUSTER_TRY(AddKey(&*file, state_dir));
  MUSTER_TRY(WriteKeyFile(*files, state_dir, *file, new_key));
  return file->entries.back().id;
}

DataKeyPtr KeyRing::Find(DataKeyId id) const {
  const std::lock_guard guard(mutex_);
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : found->second;
}

Result<DataKeyPtr> KeyRing::Take(std::uint64_t messages) {
  MUSTER_CHECK(messages <= kMessagesReserved, "more messages than are reserved at a time");
  const std::lock_guard guard(mutex_);
  if (reserved_ < messages) MUSTER_TRY(Reserve());
  reserved_ -= messages;
  return current_;
}

Status KeyRing::Reserve() {
  const std::lock_guard guard(file_mutex);
  auto file = ReadKeyFile(*files_, state_dir_, key_);
  MUSTER_TRY(file);
  if (file->entries.back().reserved > kDataKeyMessagesMax - kMessagesReserved) {
    MUSTER_TRY(AddKey(&*file, state_dir_));
  }
  Entry& entry = file->entries.back();
  entry.reserved += kMessagesReserved;
  MUSTER_TRY(WriteKeyFile(*files_, state_dir_, *file, key_));
  DataKeyPtr& key = keys_[entry.id];
  if (key == nullptr) key = DataKeyOf(entry);
  current_ = key;
  reserved_ = kMessagesReserved;
  return {};
}

}  // namespace muster::checkpoint
