#include "cli/setting.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <system_error>
#include <utility>

namespace muster::cli {
namespace {

SettingValue ListValue(const toml::array& list) {
  std::vector<std::int64_t> numbers;
  for (const toml::node& element : list) {
    const auto* number = element.as_integer();
    if (number == nullptr) return OtherValue{"a list with other things than integers"};
    numbers.push_back(number->get());
  }
  return numbers;
}

// Tables with keys never come here: ReadToml flattens them, ParseSet refuses them.
SettingValue ValueOf(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_array()) return ListValue(*value);
  if (node.is_table()) return EmptyTable{};
  return OtherValue{"a date or time"};
}

// Recursion ends: the parser itself limits how deep a document may nest.
void Flatten(const toml::table& table, const std::string& prefix, const std::string& file,
             std::multimap<std::uint32_t, Setting>& by_line) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const toml::table* inner = node.as_table();
    if (inner != nullptr && !inner->empty()) {
      Flatten(*inner, key + ".", file, by_line);
    } else {
      const std::uint32_t line = name.source().begin.line;
      by_line.emplace(line, Setting{key, ValueOf(node), fmt::format("{}:{}", file, line)});
    }
  }
}

bool IsTooLarge(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc::result_out_of_range && parsed.ptr == text.data() + text.size();
}

}  // namespace

std::string TomlString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string DescribeValue(const SettingValue& value) {
  struct Describe {
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t number) const {
      return fmt::format("the integer {}", number);
    }
    std::string operator()(double number) const { return fmt::format("the number {}", number); }
    std::string operator()(const std::string& text) const {
      return "the string " + TomlString(text);
    }
    std::string operator()(const std::vector<std::int64_t>&) const { return "a list"; }
    std::string operator()(EmptyTable) const { return "an empty table"; }
    std::string operator()(const OtherValue& other) const { return other.what; }
  };
  return std::visit(Describe{}, value);
}

Result<std::vector<Setting>> ReadToml(std::string_view text, const std::string& file) {
  try {
    std::multimap<std::uint32_t, Setting> by_line;
    Flatten(toml::parse(text, file), "", file, by_line);
    std::vector<Setting> settings;
    for (auto& [line, setting] : by_line) settings.push_back(std::move(setting));
    return settings;
  } catch (const toml::parse_error& error) {
    return Error{Reason::config_invalid,
                 fmt::format("{}:{}: {}", file, error.source().begin.line, error.description())};
  }
}

Result<Setting> ParseSet(const std::string& argument) {
  const std::string where = "--set " + argument;
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Error{Reason::flag_invalid, where + ": write KEY=VALUE, as in --set round.goal=8"};
  }
  const std::string key = argument.substr(0, equals);
  const std::string text = argument.substr(equals + 1);
  try {
    const toml::table parsed = toml::parse("value = " + text);
    const toml::node* node = parsed.get("value");
    // Text with a newline could smuggle in further keys: then it is no TOML value.
    if (parsed.size() == 1 && node != nullptr) {
      const toml::table* inner = node->as_table();
      if (inner != nullptr && !inner->empty()) {
        return Error{Reason::flag_invalid,
                     where + ": set one key at a time, as in --set round.goal=8"};
      }
      return Setting{key, ValueOf(*node), where};
    }
  } catch (const toml::parse_error&) {
    if (IsTooLarge(text)) {
      return Error{Reason::flag_invalid, where + ": the number is too large for any key"};
    }
    // A bare word, a path, an address: taken as a string below.
  }
  return Setting{key, text, where};
}

}  // namespace muster::cli
