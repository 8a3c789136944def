#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "coordinator/runtime/notice_log.h"

namespace muster::coordinator {
namespace {

using nlohmann::json;

/// The first look at the stream's end; each further one goes twice as far back.
constexpr std::uint64_t kTailBytes = 64U << 10;

/// The version that a whole line reports, 0 if it reports none: lines of other kinds, and of other
/// programs, are no reason to fail.
Version VersionOf(std::string_view line) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return 0;
  const auto event = object.find("event");
  const auto version = object.find("version");
  if (event == object.end() || *event != "version") return 0;
  if (version == object.end() || !version->is_number_unsigned()) return 0;
  return version->get<Version>();
}

/// The last version that a whole line of `tail` names. What stands before the first newline may be
/// a piece of a line and then names nothing.
Version LastIn(std::string_view tail) {
  tail = tail.substr(0, tail.find_last_of('\n') + 1);
  while (!tail.empty()) {
    tail.remove_suffix(1);
    const std::size_t newline = tail.find_last_of('\n');
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (const Version version = VersionOf(tail.substr(begin)); version > 0) return version;
    tail = tail.substr(0, begin);
  }
  return 0;
}

}  // namespace

Result<Version> LastReportedVersion(const std::string& path) {
  auto file = InputFile::Open(path);
  if (!file && file.error().reason == Reason::not_found) return Version{0};
  MUSTER_TRY(file);
  for (std::uint64_t size = std::min(kTailBytes, file->size());; size *= 2) {
    size = std::min(size, file->size());
    std::string tail(size, '\0');
    MUSTER_TRY(file->ReadAt(file->size() - size, std::as_writable_bytes(std::span(tail))));
    const Version version = LastIn(tail);
    if (version > 0 || size == file->size()) return version;
  }
}

}  // namespace muster::coordinator
