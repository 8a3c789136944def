// Writes the files that tests begin with.
#pragma once

#include <fstream>
#include <string>

namespace muster::cli {

inline void AppendTo(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

}  // namespace muster::cli
