// Follows a log of lines that other processes append to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"

namespace muster::cli {

/// Not thread-safe. The file may be absent at first. What a killed writer left of a line is never
/// handed out: it has no newline, and the log's next writer cuts it off (common/file.h, LineLog).
class EventTail {
 public:
  /// Begins at `offset`, which must be 0 or an offset() of an earlier tail of the same file.
  EventTail(std::string path, std::uint64_t offset) : path_(std::move(path)), offset_(offset) {}

  /// The whole lines that were appended since, without their newlines; a bounded number, so that a
  /// long file takes several calls. Errors: file_unreadable, damage (an overlong line).
  Result<std::vector<std::string>> Poll();

  /// Where the next line begins.
  std::uint64_t offset() const { return offset_; }

 private:
  std::string path_;
  std::uint64_t offset_;
};

}  // namespace muster::cli
