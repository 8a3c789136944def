// Every key of the configuration, in one table: it drives the parser, `muster config` and the docs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/setting.h"
#include "common/error.h"

namespace muster::cli {

struct ConfigKey {
  std::string name;          ///< "round.goal"
  std::string type;          ///< "integer", "\"iid\" | \"shards\"", ...
  std::string meaning;       ///< One sentence.
  std::string default_text;  ///< If it is no constant: "round.goal"; else empty, see DefaultText.
  /// Takes a value of the right kind. Errors: config_invalid; the message begins with what is
  /// wrong ("must be an integer, not ..."), its caller adds place and key.
  std::function<Status(Config&, const SettingValue&)> set;
  /// The value in TOML syntax; empty if it is unset.
  std::function<std::string(const Config&)> get;
};

/// In the order of the docs: sections together.
const std::vector<ConfigKey>& ConfigKeys();

/// What holds where the key is not set, as TOML, as another key's name, or "none".
std::string DefaultText(const ConfigKey& key);

}  // namespace muster::cli
