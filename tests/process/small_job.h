// The configuration of a small job, all of whose participants each round needs, and their names.
#pragma once

#include <string>
#include <vector>

namespace muster::process {

struct SmallJob {
  std::string name;
  int participants = 3;
  int rounds = 6;
  int parameters = 20'000;
  int duration_ms = 60;  ///< Of a participant's training.
  std::string more;      ///< Further tables.

  std::string Text() const {
    return "[job]\nname = \"" + name + "\"\nrounds = " + std::to_string(rounds) +
           "\n[model]\nkind = \"synthetic\"\nparameters = " + std::to_string(parameters) +
           "\n[data]\nsource = \"none\"\nparts = " + std::to_string(participants) +
           "\n[train]\nduration_ms = " + std::to_string(duration_ms) +
           "\n[round]\ngoal = " + std::to_string(participants) + "\n" + more;
  }
};

/// "site-0", "site-1", ...
inline std::vector<std::string> SiteNames(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back("site-" + std::to_string(i));
  return names;
}

}  // namespace muster::process
