#include "common/logfmt.h"

namespace muster {
namespace {

bool IsPlain(std::string_view value) {
  for (const unsigned char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return !value.empty();
}

void AppendValue(std::string_view value, std::string& line) {
  const bool cut = value.size() > kLogValueBytesMax;
  value = value.substr(0, kLogValueBytesMax);
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

std::string LogfmtLine(std::string_view message, LogFields fields) {
  std::string line(message.substr(0, kLogValueBytesMax));
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    AppendValue(value, line);
  }
  return line;
}

}  // namespace muster
