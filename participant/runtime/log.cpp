#include "participant/runtime/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

namespace muster::participant {
namespace {

constexpr std::size_t kValueBytesMax = 1024;  ///< A peer's text cannot fill the log at once.

void AppendValue(std::string_view value, std::string& line) {
  const auto is_plain = [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  };
  if (!value.empty() && value.size() <= kValueBytesMax && std::ranges::all_of(value, is_plain)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value.substr(0, kValueBytesMax)) {
    if (c == '"' || c == '\\') line += '\\';
    line += c >= 0 && (c < ' ' || c == 0x7f) ? '?' : c;
  }
  line += value.size() > kValueBytesMax ? "...\"" : "\"";
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("participant",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

}  // namespace

std::string LogfmtLine(std::string_view message, LogFields fields) {
  std::string line(message);
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    AppendValue(value, line);
  }
  return line;
}

void Log(LogLevel level, std::string_view message, LogFields fields) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::info, spdlog::level::warn,
                                                   spdlog::level::err};
  Logger().log(kLevels[static_cast<std::size_t>(level)], LogfmtLine(message, fields));
}

}  // namespace muster::participant
