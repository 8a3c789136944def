// The coordinator's own log: one logfmt line a fact.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/logfmt.h"

namespace spdlog {
class logger;
}

namespace muster::coordinator {

/// Writes "time level msg key=value ..." to a file, appending; each line is one write() and is in
/// the file when the call returns. Not synced. Thread-safe. A line that cannot be written is lost:
/// a log never stops the work.
class ProcessLog {
 public:
  /// Errors: io_failed.
  static Result<std::unique_ptr<ProcessLog>> Open(const std::string& path);

  /// REQUIRES: `message` has no "=".
  void Info(std::string_view message, LogFields fields = {});
  void Warn(std::string_view message, LogFields fields = {});
  void Fail(std::string_view message, LogFields fields = {});

 private:
  explicit ProcessLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace muster::coordinator
