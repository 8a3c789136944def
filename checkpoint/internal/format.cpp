#include "checkpoint/internal/format.h"

#include <charconv>
#include <string_view>

#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"

namespace muster::checkpoint {
namespace {

constexpr std::string_view kTitle = "muster state ";
constexpr std::size_t kFormatBytesMax = 64;
constexpr auto kNewest = static_cast<std::uint32_t>(FormatFile::encrypted);

}  // namespace

Result<FormatFile> CheckFormat(rocksdb::FileSystem& files, const std::string& state_dir) {
  const std::string path = FormatPath(state_dir);
  auto text = ReadSmallFile(files, path, kFormatBytesMax);
  if (!text && text.error().reason == Reason::not_found) return FormatFile::missing;
  MUSTER_TRY(text);
  std::string_view rest = *text;
  std::uint32_t number = 0;
  const Error damage{Reason::damage, path + " does not say \"" + std::string(kTitle) + "NUMBER\""};
  if (!rest.starts_with(kTitle) || !rest.ends_with('\n')) return damage;
  rest.remove_prefix(kTitle.size());
  rest.remove_suffix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || end != rest.data() + rest.size() || number == 0) return damage;
  if (number > kNewest) {
    return Error{Reason::unsupported, state_dir + " has format " + std::to_string(number) +
                                          "; this build knows formats up to " +
                                          std::to_string(kNewest) +
                                          ": use the build that wrote it, or a newer one"};
  }
  return static_cast<FormatFile>(number);
}

Status WriteFormat(rocksdb::FileSystem& files, const std::string& state_dir, FormatFile format) {
  return WriteSmallFile(
      files, state_dir, FormatPath(state_dir),
      std::string(kTitle) + std::to_string(static_cast<std::uint32_t>(format)) + "\n");
}

Status CheckNotRestoring(rocksdb::FileSystem& files, const std::string& state_dir) {
  auto restoring = FileExists(files, RestoringPath(state_dir));
  MUSTER_TRY(restoring);
  if (!*restoring) return {};
  return Error{Reason::restore_unfinished,
               RestoringPath(state_dir) +
                   " was left by a restore that did not finish: call `muster checkpoints restore` "
                   "again"};
}

}  // namespace muster::checkpoint
