// The coordinator's own log: one logfmt line a fact, for people and for `grep`.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"

namespace spdlog {
class logger;
}

namespace muster::coordinator {

/// Writes "time level msg key=value ..." to a file, appending; each line is one write() and is in
/// the file when the call returns. Not synced. Thread-safe. A line that cannot be written is lost:
/// a log never stops the work.
class ProcessLog {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

  /// Values, and messages, beyond this are cut: a peer's text cannot fill the disk at once.
  static constexpr std::size_t kValueBytesMax = 1024;

  /// Errors: io_failed.
  static Result<std::unique_ptr<ProcessLog>> Open(const std::string& path);

  /// REQUIRES: `message` has no "=".
  void Info(std::string_view message, Fields fields = {});
  void Warn(std::string_view message, Fields fields = {});
  void Fail(std::string_view message, Fields fields = {});

 private:
  explicit ProcessLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
  std::shared_ptr<spdlog::logger> logger_;
};

/// "message key=value ...": values with spaces, quotes, "=" or control characters are quoted and
/// escaped, so that a line stays one line whatever a peer sends.
std::string LogfmtText(std::string_view message, ProcessLog::Fields fields);

}  // namespace muster::coordinator
