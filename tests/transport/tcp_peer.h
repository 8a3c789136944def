// Peers that speak TCP and nothing else, on this machine.
#pragma once

#include <netinet/in.h>

#include <string>

#include "common/file.h"

namespace muster {

sockaddr_in LoopbackAt(int port);
/// The port in "tcp://127.0.0.1:41023".
int PortOf(const std::string& endpoint);
/// A TCP connection to a port of this machine; fails the test if there is none.
FileDescriptor ConnectToPort(int port);
/// A socket that listens on a free port of this machine, which is written to `port`.
FileDescriptor ListenOnFreePort(int& port);

}  // namespace muster
