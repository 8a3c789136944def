// key=value on the command line of a program of this folder.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace muster::bench {

using Arguments = std::map<std::string, std::string>;

/// `arguments` are all keys there are, with their defaults. A word that sets none of them is told
/// on standard error and ends the process with 2.
inline Arguments ParseArguments(const char* program, Arguments arguments, int count,
                                char** values) {
  for (int i = 1; i < count; ++i) {
    const std::string text = values[i];
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || arguments.count(text.substr(0, equals)) == 0) {
      std::fprintf(stderr, "%s: what is %s?\n", program, text.c_str());
      std::exit(2);
    }
    arguments[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return arguments;
}

}  // namespace muster::bench
