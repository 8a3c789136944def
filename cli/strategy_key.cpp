#include "cli/strategy_key.h"

#include <errno.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "cli/config_kinds.h"
#include "model/custom_strategies.h"
#include "model/job_words.h"

namespace muster::cli {
namespace {

using kinds::Refuse;
using kinds::WrongKind;

/// The built-in strategies and those that this program registered.
std::vector<std::string> StrategyNames() {
  std::vector<std::string> names = CustomStrategyNames();
  for (const auto& [word, kind] : JobWords<StrategyKind>()) {
    if (kind != StrategyKind::custom) names.emplace_back(word);
  }
  return names;
}

Error NoSuchStrategy(const std::string& name) {
  const std::vector<std::string> names = StrategyNames();
  if (const auto nearest = Nearest(name, names)) {
    return Refuse(fmt::format("is {}; did you mean {}?", TomlString(name), TomlString(*nearest)));
  }
  return Refuse(
      fmt::format("is {}, which the program `{}` does not have; it has {}. A custom strategy is in "
                  "the program that registers it",
                  TomlString(name), program_invocation_short_name, fmt::join(names, ", ")));
}

}  // namespace

ConfigKey StrategyNameKey() {
  const auto set = [](Config& config, const SettingValue& value) -> Status {
    const auto* name = std::get_if<std::string>(&value);
    if (name == nullptr) return WrongKind("a strategy's name", value);
    StrategySpec& strategy = config.job.strategy;
    strategy.custom = HasCustomStrategy(*name) ? *name : "";
    if (!strategy.custom.empty()) {
      strategy.kind = StrategyKind::custom;
      return {};
    }
    for (const auto& [word, kind] : JobWords<StrategyKind>()) {
      if (word != *name || kind == StrategyKind::custom) continue;
      strategy.kind = kind;
      return {};
    }
    return NoSuchStrategy(*name);
  };
  const auto get = [](const Config& config) {
    return TomlString(StrategyName(config.job.strategy));
  };
  std::string type;
  for (const std::string& name : StrategyNames()) {
    type += (type.empty() ? "" : " | ") + TomlString(name);
  }
  return {"strategy.name", type, "How the aggregate changes the model.", "", set, get};
}

}  // namespace muster::cli
