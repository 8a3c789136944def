#include "tests/checkpoint/store_fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/limits.h"
#include "tests/checkpoint/samples.h"

namespace muster {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> FilesWith(const std::string& directory, std::string_view extension) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == extension) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code moved;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, moved)) {
    names.push_back(entry.path());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::unique_ptr<CheckpointStore>> OpenOn(const checkpoint::FileSystemPtr& files,
                                                const std::string& directory, OpenMode mode,
                                                const StateKey& key) {
  if (!files) return OpenCheckpointStore(directory, mode, key);
  return checkpoint::OpenCheckpointStoreOn(files, directory, mode, checkpoint::Upkeep::automatic,
                                           key);
}

}  // namespace

void StoreFixture::Open() {
  auto store = OpenOn(files_, current_, OpenMode::create_or_open, key_);
  ASSERT_TRUE(store) << store.error().Text();
  store_ = std::move(*store);
}

void StoreFixture::Reopen() {
  Close();
  Open();
}

// RocksDB removes obsolete files in the background: an image is one only if nothing moved
// meanwhile.
void StoreFixture::Crash() {
  const std::string copy = temporary_ / ("crashed-" + std::to_string(++crashes_));
  constexpr int kTriesMax = 100;
  for (int i = 0; i < kTriesMax; ++i) {
    std::filesystem::remove_all(copy);
    const std::vector<std::string> before = NamesIn(current_);
    std::error_code moved;
    std::filesystem::copy(current_, copy, std::filesystem::copy_options::recursive, moved);
    if (!moved && NamesIn(current_) == before) {
      Close();
      current_ = copy;
      return;
    }
  }
  FAIL() << "the files of " << current_ << " never come to rest";
}

Error StoreFixture::OpenError(OpenMode mode) {
  auto store = OpenOn(files_, current_, mode, key_);
  EXPECT_FALSE(store) << "the store opens";
  return store ? Error{} : store.error();
}

std::unique_ptr<CheckpointStore> StoreFixture::OpenReader() {
  auto store = OpenOn(files_, current_, OpenMode::read_only, key_);
  EXPECT_TRUE(store) << store.error().Text();
  return store ? std::move(*store) : nullptr;
}

void StoreFixture::Write(std::vector<Mutation> mutations, bool sync) {
  const Status status = store_->Write({.mutations = std::move(mutations), .sync = sync});
  ASSERT_TRUE(status) << status.error().Text();
}

void StoreFixture::AcceptEach(std::uint32_t first, std::uint32_t last, bool sync) {
  for (std::uint32_t salt = first; salt <= last; ++salt) {
    Write({PutAccepted{SampleAccepted(salt)}}, sync);
  }
}

void StoreFixture::Stage(Version version, std::size_t bytes) {
  const Bytes contents = SampleContents(version, bytes);
  auto writer = store_->BeginVersion(version);
  ASSERT_TRUE(writer) << writer.error().Text();
  ByteSpan rest = contents;
  while (!rest.empty()) {
    const std::size_t size = std::min(rest.size(), limits::kVersionChunkBytes);
    const Status status = (*writer)->Append(rest.first(size));
    ASSERT_TRUE(status) << status.error().Text();
    rest = rest.subspan(size);
  }
  const Status status = (*writer)->Finish();
  ASSERT_TRUE(status) << status.error().Text();
}

void StoreFixture::Commit(Version version, std::size_t bytes) {
  Stage(version, bytes);
  CommitUnstored(version, bytes);
}

void StoreFixture::CommitUnstored(Version version, std::size_t bytes) {
  std::vector<Mutation> mutations = {
      PutVersion{SampleManifest(version, SampleContents(version, bytes))}};
  if (version > 0) mutations.push_back(PutRoundRecord{SampleRoundRecord(version)});
  Write(std::move(mutations));
}

std::string StoreFixture::LiveLog() const {
  const auto logs = FilesWith(FileOf("db"), ".log");
  EXPECT_FALSE(logs.empty());
  return logs.empty() ? "" : logs.back();
}

std::vector<std::string> StoreFixture::SortedFiles() const {
  return FilesWith(FileOf("db"), ".sst");
}

std::vector<std::string> StoreFixture::StagedFiles() const {
  return FilesWith(FileOf("stage"), ".sst");
}

std::string ImageOf(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string image;
  for (const std::string& path : paths) image += path + "\n" + Contents(path);
  return image;
}

void Flip(const std::string& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 4));
  ASSERT_TRUE(file.flush()) << "no byte " << offset << " in " << path;
}

void Truncate(const std::string& path, std::uint64_t size) {
  std::filesystem::resize_file(path, size);
}

std::uint64_t SizeOf(const std::string& path) { return std::filesystem::file_size(path); }

std::uint64_t Find(const std::string& path, std::string_view text) {
  const std::size_t place = Contents(path).find(text);
  EXPECT_NE(place, std::string::npos) << "the text is not in " << path;
  return place;
}

}  // namespace muster
