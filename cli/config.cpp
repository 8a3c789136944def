#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/config_keys.h"
#include "cli/nearest.h"
#include "common/bytes.h"
#include "common/file.h"

namespace muster::cli {
namespace {

constexpr std::uint64_t kConfigBytesMax = 1U << 20;

/// Where each key was set last: for messages about combinations.
using Places = std::map<std::string, std::string>;

Error Refuse(const std::string& where, const std::string& text) {
  return Error{Reason::config_invalid, where + ": " + text};
}

const ConfigKey* FindKey(const std::string& name) {
  const auto& keys = ConfigKeys();
  const auto found = std::ranges::find(keys, name, &ConfigKey::name);
  return found == keys.end() ? nullptr : &*found;
}

bool IsSection(const std::string& name) {
  return std::ranges::any_of(
      ConfigKeys(), [&](const ConfigKey& key) { return key.name.starts_with(name + "."); });
}

Error UnknownKey(const Setting& setting) {
  std::vector<std::string> names;
  for (const ConfigKey& key : ConfigKeys()) names.push_back(key.name);
  const auto nearest = Nearest(setting.key, names);
  const std::string hint = nearest ? fmt::format("did you mean `{}`?", *nearest)
                                   : std::string("`muster config` lists all keys");
  return Refuse(setting.where, fmt::format("unknown key `{}`; {}", setting.key, hint));
}

// The message names a key first, bare ("round.quorum is 12; ..."): says where that key was set.
Error Located(const Error& error, const std::string& file, const Places& places) {
  const std::string key = error.message.substr(0, error.message.find(' '));
  const auto place = places.find(key);
  const std::string where = place == places.end() ? file : place->second;
  const bool known = FindKey(key) != nullptr;
  return Refuse(where, known ? "`" + key + "`" + error.message.substr(key.size()) : error.message);
}

Status CheckCombinations(const Config& config) {
  const auto refuse = [](std::string text) {
    return Error{Reason::config_invalid, std::move(text)};
  };
  MUSTER_TRY(ValidateJob(config.job));
  const bool elastic = config.job.data.access == DataAccess::elastic;
  if (!elastic && config.run.participants > config.job.data.parts) {
    return refuse(
        fmt::format("run.participants is {}, but data.parts = {}: there would be no data "
                    "for the others",
                    config.run.participants, config.job.data.parts));
  }
  // In async one participant may have several updates in a version.
  const bool one_each = !elastic && config.job.round.mode != Mode::async;
  if (one_each && config.run.participants < config.job.round.quorum) {
    return refuse(
        fmt::format("run.participants is {}, fewer than round.quorum = {}: no round could "
                    "ever close",
                    config.run.participants, config.job.round.quorum));
  }
  if (config.listen == config.bulk_listen && !config.listen.ends_with(":0")) {
    return refuse("coordinator.bulk_listen is " + config.bulk_listen +
                  ", as coordinator.listen is: each needs a port of its own");
  }
  if (elastic && config.core.deadline == coordinator::DeadlineKind::adaptive) {
    return refuse(
        "round.deadline is \"adaptive\" and data.access is \"elastic\": a round gives one "
        "participant several blocks, and a deadline only passes leases on; take \"fixed\"");
  }
  if (config.core.deadline == coordinator::DeadlineKind::fixed &&
      config.core.deadline_k_milli != coordinator::CoordinatorOptions().deadline_k_milli) {
    return refuse("round.deadline_k is for round.deadline = \"adaptive\" only");
  }
  if (config.core.target_accuracy && !config.core.evaluate) {
    return refuse("job.target_accuracy needs held-out data; set data.test_examples");
  }
  return {};
}

}  // namespace

Result<Config> BuildConfig(const std::string& file, const std::vector<Setting>& settings) {
  Config config;
  Places places;
  for (const Setting& setting : settings) {
    if (IsSection(setting.key)) {
      if (std::holds_alternative<EmptyTable>(setting.value)) continue;
      return Refuse(setting.where, fmt::format("`{}` must be a table", setting.key));
    }
    const ConfigKey* key = FindKey(setting.key);
    if (key == nullptr) return UnknownKey(setting);
    if (const Status set = key->set(config, setting.value); !set) {
      return Refuse(setting.where, fmt::format("`{}` {}", setting.key, set.error().message));
    }
    places[setting.key] = setting.where;
  }
  if (!places.contains("round.quorum")) config.job.round.quorum = config.job.round.goal;
  if (!places.contains("run.participants")) {
    // Any number of participants does the blocks of a round.
    const bool elastic = config.job.data.access == DataAccess::elastic;
    config.run.participants = elastic ? config.job.round.goal : config.job.data.parts;
  }
  config.core.evaluate =
      config.job.data.source != DataSource::digits || config.job.data.test_examples > 0;
  if (const Status checked = CheckCombinations(config); !checked) {
    return Located(checked.error(), file, places);
  }
  return config;
}

Result<Config> LoadConfig(const std::string& path, const std::vector<std::string>& sets) {
  Result<Bytes> bytes = ReadFile(path, kConfigBytesMax);
  if (!bytes) {
    return Error{Reason::config_invalid, "no configuration: " + bytes.error().message +
                                             "; say which TOML file describes the job, as in "
                                             "configs/demo.toml"};
  }
  Result<std::vector<Setting>> settings = ReadToml(AsText(*bytes), path);
  if (!settings) return settings.error();
  for (const std::string& argument : sets) {
    Result<Setting> setting = ParseSet(argument);
    if (!setting) return setting.error();
    settings->push_back(std::move(*setting));
  }
  return BuildConfig(path, *settings);
}

std::string RenderConfig(const Config& config) {
  std::string text;
  std::string section;
  for (const ConfigKey& key : ConfigKeys()) {
    const std::size_t dot = key.name.find('.');
    if (key.name.substr(0, dot) != section) {
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", key.name.substr(0, dot));
      section = key.name.substr(0, dot);
    }
    const std::string value = key.get(config);
    if (!value.empty()) text += fmt::format("{} = {}\n", key.name.substr(dot + 1), value);
  }
  return text;
}

}  // namespace muster::cli
