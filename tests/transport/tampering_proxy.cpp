#include "tests/transport/tampering_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "tests/transport/tcp_peer.h"

namespace muster {
namespace {

constexpr std::size_t kReadBytes = 1U << 16;

}  // namespace

TamperingProxy::TamperingProxy(const std::string& server_endpoint)
    : server_port_(PortOf(server_endpoint)), listener_(ListenOnFreePort(port_)) {
  thread_ = std::thread([this] { Run(); });
}

TamperingProxy::~TamperingProxy() {
  stop_.Set();
  thread_.join();
}

std::string TamperingProxy::endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

void TamperingProxy::TamperNext(Way way, std::size_t bytes_min) {
  way_ = way;
  bytes_min_ = bytes_min;
}

void TamperingProxy::Run() {
  std::array<pollfd, 2> arrivals{{{listener_.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
  poll(arrivals.data(), arrivals.size(), -1);
  if ((arrivals[1].revents & POLLIN) != 0) return;
  const FileDescriptor client(accept(listener_.get(), nullptr, nullptr));
  const FileDescriptor server = ConnectToPort(server_port_);
  while (true) {
    std::array<pollfd, 3> ready{
        {{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
    poll(ready.data(), ready.size(), -1);
    if ((ready[2].revents & POLLIN) != 0) return;
    if (ready[0].revents != 0 && !Pass(Way::to_server, client, server)) return;
    if (ready[1].revents != 0 && !Pass(Way::to_client, server, client)) return;
  }
}

bool TamperingProxy::Pass(Way way, const FileDescriptor& from, const FileDescriptor& to) {
  std::vector<char> bytes(kReadBytes);
  const ssize_t count = read(from.get(), bytes.data(), bytes.size());
  if (count <= 0) return false;
  const auto size = static_cast<std::size_t>(count);
  if (bytes_min_ > 0 && way == way_ && size >= bytes_min_) {
    bytes[size / 2] ^= 1;
    bytes_min_ = 0;
    tampered_ = true;
  }
  for (std::size_t done = 0; done < size;) {
    const ssize_t sent = send(to.get(), bytes.data() + done, size - done, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace muster
