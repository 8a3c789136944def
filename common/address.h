// What a TCP address of ours looks like: checked where a person wrote it, before a socket sees it.
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// What is wrong with `text` as an address to listen at, "tcp://ADDRESS:PORT"; empty if nothing.
/// Port 0 stands for any free one.
std::string ListenAddressFault(std::string_view text);

/// The same of an address to connect to, which needs a host and a port of its own.
std::string ConnectAddressFault(std::string_view text);

}  // namespace muster
