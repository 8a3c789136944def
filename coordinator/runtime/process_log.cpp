#include "coordinator/runtime/process_log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

namespace muster::coordinator {
Result<std::unique_ptr<ProcessLog>> ProcessLog::Open(const std::string& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    auto logger = std::make_shared<spdlog::logger>("coordinator", std::move(sink));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger->flush_on(spdlog::level::trace);  // A killed process leaves all it has said.
    return std::unique_ptr<ProcessLog>(new ProcessLog(std::move(logger)));
  } catch (const std::exception& failure) {
    return Error{Reason::io_failed, "cannot open the log " + path + ": " + failure.what()};
  }
}

void ProcessLog::Info(std::string_view message, LogFields fields) {
  logger_->log(spdlog::level::info, LogfmtLine(message, fields));
}

void ProcessLog::Warn(std::string_view message, LogFields fields) {
  logger_->log(spdlog::level::warn, LogfmtLine(message, fields));
}

void ProcessLog::Fail(std::string_view message, LogFields fields) {
  logger_->log(spdlog::level::err, LogfmtLine(message, fields));
}

}  // namespace muster::coordinator
