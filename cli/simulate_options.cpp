#include "cli/simulate_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include "cli/nearest.h"
#include "cli/setting.h"
#include "cli/text.h"
#include "common/bytes.h"
#include "common/file.h"
#include "simulator/swarm/swarm_keys.h"

namespace muster::cli {
namespace {

namespace sim = muster::simulator;

constexpr std::size_t kConfigBytesMax = 1U << 20;

bool IsWhole(std::string_view digits) {
  return !digits.empty() &&
         std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Nothing if it is too large.
std::optional<std::uint64_t> NumberOf(std::string_view digits) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

Error NoSuchOption(const Setting& setting) {
  std::vector<std::string> names;
  for (const sim::SwarmKey& key : sim::SwarmKeys()) names.push_back(key.name);
  const auto nearest = Nearest(setting.key, names);
  const std::string hint = nearest
                               ? fmt::format("did you mean `{}`?", *nearest)
                               : "`muster simulate --seed 1 --format json` prints all with values";
  return {Reason::config_invalid,
          fmt::format("{}: there is no option `{}`; {}", setting.where, setting.key, hint)};
}

/// The type as well as the text: "3" is no number.
Result<std::uint64_t> ValueOf(const sim::SwarmKey& key, const SettingValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  const auto* word = std::get_if<std::string>(&value);
  if (key.words.empty() && number != nullptr) {
    return sim::ParseSwarmValue(key, std::to_string(*number));
  }
  if (!key.words.empty() && word != nullptr) return sim::ParseSwarmValue(key, *word);
  std::string wanted = key.words.empty() ? "a whole number" : "";
  for (const std::string_view one : key.words) {
    wanted += (wanted.empty() ? "" : " or ") + TomlString(one);
  }
  return Error{Reason::config_invalid,
               fmt::format("`{}` must be {}, not {}", key.name, wanted, DescribeValue(value))};
}

Status Fix(const Setting& setting, sim::FixedOptions& fixed) {
  const sim::SwarmKey* key = sim::FindSwarmKey(setting.key);
  if (key == nullptr) return NoSuchOption(setting);
  if (key->member == &sim::SwarmOptions::seed) {
    return Error{Reason::config_invalid,
                 setting.where +
                     ": `seed` is what --seed and --seeds say; a configuration fixes "
                     "what they would draw"};
  }
  const auto value = ValueOf(*key, setting.value);
  if (!value) return Error{value.error().reason, setting.where + ": " + value.error().message};
  fixed[key->name] = *value;
  return {};
}

}  // namespace

Result<std::pair<std::uint64_t, std::uint64_t>> ParseSeeds(const std::string& text) {
  const auto refuse = [&](const std::string& why) {
    return Error{Reason::flag_invalid, "--seeds " + ShellWord(text) + ": " + why};
  };
  const std::string_view whole = text;
  const std::size_t dots = whole.find("..");
  if (dots == std::string_view::npos || !IsWhole(whole.substr(0, dots)) ||
      !IsWhole(whole.substr(dots + 2))) {
    return refuse("write FIRST..LAST, as in --seeds 1..1000");
  }
  const auto first = NumberOf(whole.substr(0, dots));
  const auto last = NumberOf(whole.substr(dots + 2));
  if (!first || !last) {
    return refuse(fmt::format("a seed is at most {}", std::numeric_limits<std::uint64_t>::max()));
  }
  if (*first > *last) return refuse(fmt::format("{} comes after {}", *first, *last));
  return std::pair(*first, *last);
}

Result<sim::FixedOptions> ReadFixed(const Arguments& arguments) {
  sim::FixedOptions fixed;
  std::vector<Setting> settings;
  if (!arguments.config.empty()) {
    const auto text = ReadFile(arguments.config, kConfigBytesMax);
    MUSTER_TRY(text);
    auto read = ReadToml(AsText(*text), arguments.config);
    MUSTER_TRY(read);
    settings = std::move(*read);
  }
  if (!arguments.store.empty()) {
    settings.push_back({"store", arguments.store, "--store " + arguments.store});
  }
  for (const Setting& setting : settings) {
    const bool empty_section =
        setting.key == "chance" && std::holds_alternative<EmptyTable>(setting.value);
    if (empty_section) continue;
    MUSTER_TRY(Fix(setting, fixed));
  }
  return fixed;
}

std::string FixingWords(const Arguments& arguments) {
  std::string words;
  if (!arguments.config.empty()) words += " --config " + ShellWord(arguments.config);
  if (!arguments.store.empty()) words += " --store " + arguments.store;
  return words;
}

}  // namespace muster::cli
