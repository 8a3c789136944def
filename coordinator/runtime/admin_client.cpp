#include "coordinator/runtime/admin_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "coordinator/runtime/admin_protocol.h"
#include "coordinator/runtime/unix_socket.h"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

/// Waits until `events` can be done without blocking. Errors: timeout, io_failed.
Status WaitFor(int fd, short events, Clock::time_point deadline, const std::string& who) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::clamp<long>(left, 0, 1 << 30)));
    if (ready > 0) return {};
    if (ready == 0) {
      return Error{Reason::timeout, who +
                                        " runs but did not answer in time: its process is stopped "
                                        "(SIGSTOP, a debugger) or has too much to do"};
    }
    if (errno != EINTR) return SystemError(Reason::io_failed, "wait for", who, errno);
  }
}

Status SendLine(int fd, std::string line, Clock::time_point deadline, const std::string& who) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    MUSTER_TRY(WaitFor(fd, POLLOUT, deadline, who));
    const ssize_t sent = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return SystemError(Reason::connection_lost, "write to", who, errno);
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::string> ReceiveLine(int fd, Clock::time_point deadline, const std::string& who) {
  std::string reply;
  std::array<char, 64U << 10> buffer;
  while (reply.size() <= coordinator::kAdminReplyBytesMax) {
    MUSTER_TRY(WaitFor(fd, POLLIN, deadline, who));
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return SystemError(Reason::connection_lost, "read from", who, errno);
    if (got == 0) return Error{Reason::connection_lost, who + " ended the connection"};
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = piece.find('\n');
    reply += piece.substr(0, end);
    if (end != std::string_view::npos) return reply;
  }
  return Error{Reason::too_large, who + " answered more than a reply can have"};
}

}  // namespace

Result<std::string> AskCoordinator(const std::string& state_dir, std::string_view request,
                                   std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const std::string who = "the coordinator of " + state_dir;
  auto fd = coordinator::ConnectUnix(state_dir, std::string(coordinator::kAdminSocketName));
  if (!fd && fd.error().reason == Reason::busy) {
    return Error{Reason::busy, who +
                                   " takes no connections, others wait already: its process is "
                                   "stopped (SIGSTOP, a debugger) or has too much to do"};
  }
  MUSTER_TRY(fd);
  MUSTER_TRY(SendLine(fd->get(), std::string(request), deadline, who));
  return ReceiveLine(fd->get(), deadline, who);
}

}  // namespace muster
