// The names, ranges and words of the swarm's options: for schedule files, configurations, messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/swarm/swarm_options.h"

namespace muster::simulator {

struct SwarmKey {
  std::string name;  ///< "goal", "chance.lose".
  std::uint64_t least = 0, most = 0;
  /// In text, a value is one of these by number; empty: a number.
  std::span<const std::string_view> words;
  std::uint64_t SwarmOptions::*member = nullptr;
  std::size_t fault = 0;  ///< Whose chance it is, where `member` is null.

  std::uint64_t& In(SwarmOptions& options) const {
    return member != nullptr ? options.*member : options.per_million.at(fault);
  }
  std::uint64_t Of(const SwarmOptions& options) const {
    return member != nullptr ? options.*member : options.per_million.at(fault);
  }
};

/// In the order of the file. The chances follow the other options.
const std::vector<SwarmKey>& SwarmKeys();
/// Null if there is none.
const SwarmKey* FindSwarmKey(std::string_view name);

/// Errors: config_invalid, saying what is allowed.
Result<std::uint64_t> ParseSwarmValue(const SwarmKey& key, std::string_view text);
std::string SwarmValueText(const SwarmKey& key, std::uint64_t value);

}  // namespace muster::simulator
