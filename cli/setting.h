// One configured value before anybody has judged it: what TOML said, and where.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"

namespace muster::cli {

/// A value that no key takes: named so that the refusal can say what was found.
struct OtherValue {
  std::string what;  ///< "a date or time", "a list with other things than integers".
};

/// A table without a key: as a section it says nothing, as a key's value it is wrong.
struct EmptyTable {};

using SettingValue = std::variant<bool, std::int64_t, double, std::string,
                                  std::vector<std::int64_t>, EmptyTable, OtherValue>;

/// What was found, for messages: "the string \"ten\"", "the integer 3".
std::string DescribeValue(const SettingValue& value);

struct Setting {
  std::string key;  ///< Dotted: "round.goal".
  SettingValue value;
  std::string where;  ///< "demo.toml:12" or "--set round.goal=3".
};

/// Every value of a TOML 1.0 text, tables flattened to dotted keys, in the order of their lines.
/// `file` is for messages. Errors: config_invalid ("FILE:LINE: what the parser says").
Result<std::vector<Setting>> ReadToml(std::string_view text, const std::string& file);

/// The argument of --set, KEY=VALUE: VALUE in TOML syntax, or any other text as a string.
/// Errors: flag_invalid (no key, no "=", a table with keys).
Result<Setting> ParseSet(const std::string& argument);

/// `text` as a TOML basic string, quotes included.
std::string TomlString(std::string_view text);

}  // namespace muster::cli
