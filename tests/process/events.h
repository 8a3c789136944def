// What a run told: its events, in the stream and in metrics.jsonl.
#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace muster::process {

using Json = nlohmann::json;

inline std::vector<Json> ReadEvents(const std::string& state_dir) {
  std::vector<Json> events;
  std::ifstream file(state_dir + "/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    if (file.eof()) break;  // Being written: no line yet.
    events.push_back(Json::parse(line));
  }
  return events;
}

inline std::vector<std::uint64_t> VersionsOf(const std::vector<Json>& events) {
  std::vector<std::uint64_t> versions;
  for (const Json& event : events) {
    if (event.value("event", "") == "version") versions.push_back(event["version"]);
  }
  return versions;
}

/// 1 to `last`: each once, in order.
inline std::vector<std::uint64_t> EachVersionOnce(std::uint64_t last) {
  std::vector<std::uint64_t> versions;
  for (std::uint64_t version = 1; version <= last; ++version) versions.push_back(version);
  return versions;
}

/// The last event of this kind; null if there is none.
inline Json LastEvent(const std::vector<Json>& events, const std::string& kind) {
  Json last;
  for (const Json& event : events) {
    if (event.value("event", "") == kind) last = event;
  }
  return last;
}

}  // namespace muster::process
