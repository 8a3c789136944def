#include "simulator/swarm/swarm_keys.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

#include "model/job_words.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view kStores[] = {"model", "rocksdb"};
constexpr std::string_view kSelect[] = {"enrolled", "present"};
constexpr std::string_view kWeights[] = {"examples", "uniform"};
constexpr std::string_view kSwitch[] = {"off", "on"};
constexpr std::string_view kModes[] = {"fedavg", "sync-sgd", "async"};
constexpr std::string_view kLatePolicies[] = {"refuse", "fold"};
constexpr std::string_view kStalenesses[] = {"constant", "polynomial", "hinge"};
constexpr std::string_view kAccepts[] = {"by_mode", "durable", "memory"};

/// The words of kSwarmStrategies.
const std::vector<std::string_view>& StrategyWords() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> made;
    for (const StrategyKind kind : kSwarmStrategies) made.push_back(WordOf(kind));
    return made;
  }();
  return words;
}

/// A name is the key of its option's stream, too: another one would draw all seeds anew.
std::vector<SwarmKey> MakeKeys() {
  using Options = SwarmOptions;
  std::vector<SwarmKey> keys = {
      {"seed", 0, kAny, {}, &Options::seed},
      {"store", 0, 1, kStores, &Options::store},
      {"participants", kParticipantsLeast, kParticipantsMost, {}, &Options::participants},
      {"parts", 1, 64, {}, &Options::parts},
      {"goal", 1, 64, {}, &Options::goal},
      {"quorum", 1, 64, {}, &Options::quorum},
      {"over_select", 100, 400, {}, &Options::over_select},
      {"select_from", 0, 1, kSelect, &Options::select_from},
      {"weights", 0, 1, kWeights, &Options::weights},
      {"momentum", 0, 99, {}, &Options::momentum},
      {"parameters", 1, 1'000'000, {}, &Options::parameters},
      {"rounds", 1, 10'000, {}, &Options::rounds},
      {"safety_rounds", 0, 10'000, {}, &Options::safety_rounds},
      {"safety_ms", 0, 1'000'000'000, {}, &Options::safety_ms},
      {"deadline_ms", 100, 1'000'000'000, {}, &Options::deadline_ms},
      {"lease_ms", 100, 1'000'000, {}, &Options::lease_ms},
      {"attempts_max", 0, 10'000, {}, &Options::attempts_max},
      {"keep_last", 0, 10'000, {}, &Options::keep_last},
      {"keep_every", 0, 10'000, {}, &Options::keep_every},
      {"evaluate", 0, 1, kSwitch, &Options::evaluate},
      {"target", 0, 100, {}, &Options::target},
      {"stalled", 0, kParticipantsMost, {}, &Options::stalled},
      {"upkeep_every", 0, 10'000, {}, &Options::upkeep_every},
      {"hostile", 0, kParticipantsMost, {}, &Options::hostile},
      {"strangers", 0, kStrangersMost, {}, &Options::strangers},
      {"deaths_max", 0, 1'000, {}, &Options::deaths_max},
      {"prepare_ms", 1, 10'000, {}, &Options::prepare_ms},
      {"client_state", 0, 1, kSwitch, &Options::client_state},
      {"deadline_k", 0, 1'000, {}, &Options::deadline_k},
      {"mode", 0, 2, kModes, &Options::mode},
      {"accept", 0, 2, kAccepts, &Options::accept},
      {"memory_updates", 0, 64, {}, &Options::memory_updates},
      {"blocks", 0, 200, {}, &Options::blocks},
      {"late", 0, 1, kLatePolicies, &Options::late},
      {"staleness", 0, 2, kStalenesses, &Options::staleness},
      {"staleness_max", 0, 1'000, {}, &Options::staleness_max},
      {"concurrency", 0, 64, {}, &Options::concurrency},
  };
  keys.push_back({"strategy", 0, kSwarmStrategies.size() - 1, StrategyWords(), &Options::strategy});
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const std::string name = "chance." + std::string(FaultName(static_cast<FaultKind>(i)));
    keys.push_back({name, 0, kMillion, {}, nullptr, i});
  }
  return keys;
}

}  // namespace

const std::vector<SwarmKey>& SwarmKeys() {
  static const std::vector<SwarmKey> keys = MakeKeys();
  return keys;
}

const SwarmKey* FindSwarmKey(std::string_view name) {
  const auto found = std::ranges::find(SwarmKeys(), name, &SwarmKey::name);
  return found == SwarmKeys().end() ? nullptr : &*found;
}

Result<std::uint64_t> ParseSwarmValue(const SwarmKey& key, std::string_view text) {
  const std::string quoted = key.name + " = " + std::string(text);
  if (!key.words.empty()) {
    const auto word = std::ranges::find(key.words, text);
    if (word != key.words.end()) return static_cast<std::uint64_t>(word - key.words.begin());
    std::string words;
    for (const std::string_view one : key.words) {
      words += (words.empty() ? "" : " or ") + std::string(one);
    }
    return Error{Reason::config_invalid, quoted + ": must be " + words};
  }
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  if (!whole || number < key.least || number > key.most) {
    return Error{Reason::config_invalid, quoted + ": must be a whole number from " +
                                             std::to_string(key.least) + " to " +
                                             std::to_string(key.most)};
  }
  return number;
}

std::string SwarmValueText(const SwarmKey& key, std::uint64_t value) {
  return key.words.empty() ? std::to_string(value) : std::string(key.words[value]);
}

}  // namespace muster::simulator
