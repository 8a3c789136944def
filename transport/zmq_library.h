// The ZeroMQ that this process runs with: what `muster doctor` tells.
#pragma once

#include <string>

namespace muster {

struct ZmqLibrary {
  std::string version;     ///< "4.3.4"
  bool has_curve = false;  ///< Without it no participant can connect.
  std::string sodium;      ///< Version of the libsodium it works with; empty if it has none.
};

ZmqLibrary LoadedZmq();

}  // namespace muster
