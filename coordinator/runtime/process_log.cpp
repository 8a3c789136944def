#include "coordinator/runtime/process_log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

namespace muster::coordinator {
namespace {

bool IsPlain(std::string_view value) {
  for (const unsigned char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return !value.empty();
}

void AppendValue(std::string_view value, std::string& line) {
  const bool cut = value.size() > ProcessLog::kValueBytesMax;
  value = value.substr(0, ProcessLog::kValueBytesMax);
  if (IsPlain(value) && !cut) {
    line += value;
    return;
  }
  constexpr char kHex[] = "0123456789abcdef";
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < ' ' || byte == 0x7f) {
      line += "\\x";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += cut ? "...\"" : "\"";
}

}  // namespace

std::string LogfmtText(std::string_view message, ProcessLog::Fields fields) {
  std::string line(message.substr(0, ProcessLog::kValueBytesMax));
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    AppendValue(value, line);
  }
  return line;
}

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

void ProcessLog::Info(std::string_view message, Fields fields) {
  logger_->log(spdlog::level::info, LogfmtText(message, fields));
}

void ProcessLog::Warn(std::string_view message, Fields fields) {
  logger_->log(spdlog::level::warn, LogfmtText(message, fields));
}

void ProcessLog::Fail(std::string_view message, Fields fields) {
  logger_->log(spdlog::level::err, LogfmtText(message, fields));
}

}  // namespace muster::coordinator
