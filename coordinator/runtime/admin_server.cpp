#include "coordinator/runtime/admin_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "coordinator/runtime/admin_protocol.h"
#include "coordinator/runtime/unix_socket.h"

namespace muster::coordinator {
namespace {

constexpr std::size_t kReadBytes = 16U << 10;
/// Of one signalfd_siginfo; an eventfd gives 8 bytes.
constexpr std::size_t kSignalBytes = 128;

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& state_dir, int signal_fd,
                                                        Inbox& inbox) {
  auto listener = ListenUnix(state_dir, std::string(kAdminSocketName));
  MUSTER_TRY(listener);
  FileDescriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.valid()) return SystemError(Reason::io_failed, "make an eventfd for", state_dir, errno);
  std::unique_ptr<AdminServer> server(
      new AdminServer(state_dir, std::move(*listener), std::move(wake), signal_fd, inbox));
  server->thread_ = std::thread([raw = server.get()] { raw->Run(); });
  return server;
}

AdminServer::AdminServer(std::string state_dir, FileDescriptor listener, FileDescriptor wake,
                         int signal_fd, Inbox& inbox)
    : state_dir_(std::move(state_dir)),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      signal_fd_(signal_fd),
      inbox_(inbox) {}

AdminServer::~AdminServer() {
  stopping_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
  // A socket file left behind does no harm: the next start removes it.
  (void)unlink((state_dir_ + "/" + std::string(kAdminSocketName)).c_str());
}

void AdminServer::Answer(AdminTicket ticket, std::string reply) {
  reply += '\n';
  {
    std::lock_guard lock(mutex_);
    answers_.emplace(ticket, std::move(reply));
  }
  Wake();
}

void AdminServer::Wake() {
  const std::uint64_t one = 1;
  // It fails only if the counter is full: then the thread is about to wake anyway.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

void AdminServer::Run() {
  while (!stopping_) {
    WaitForWork();
    TakeAnswers();
  }
}

void AdminServer::WaitForWork() {
  std::vector<pollfd> waiting = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  for (const auto& [fd, client] : clients_) {
    short events = 0;
    if (!client.out.empty()) events |= POLLOUT;
    // One request at a time: what more a client sends waits in its own socket.
    if (client.awaited == 0 && client.out.empty()) events |= POLLIN;
    waiting.push_back({fd, events, 0});
  }
  if (signal_fd_ >= 0) waiting.push_back({signal_fd_, POLLIN, 0});
  if (poll(waiting.data(), waiting.size(), -1) <= 0) return;

  if (waiting[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof(count));
  }
  for (std::size_t i = 2; i < 2 + clients_.size(); ++i) {
    if (waiting[i].revents == 0) continue;
    // Clients are erased below, not in this loop: positions must keep their meaning.
    Client& client = clients_.at(waiting[i].fd);
    if (!Serve(client, waiting[i].revents)) client.ended = true;
  }
  std::erase_if(clients_, [](const auto& entry) { return entry.second.ended; });
  if (signal_fd_ >= 0 && waiting.back().revents != 0) TakeSignal();
  if (waiting[1].revents != 0) AcceptClients();
}

void AdminServer::TakeSignal() {
  std::array<char, kSignalBytes> record;
  const ssize_t got = read(signal_fd_, record.data(), record.size());
  if (got > 0) {
    inbox_.Push(Event(DrainRequested{}));
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    signal_fd_ = -1;  // It will never say anything again; polling it would spin.
  }
}

void AdminServer::TakeAnswers() {
  std::map<AdminTicket, std::string> answers;
  {
    std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  for (auto& [fd, client] : clients_) {
    if (client.awaited == 0) continue;
    const auto found = answers.find(client.awaited);
    if (found == answers.end()) continue;
    client.out = std::move(found->second);
    client.awaited = 0;
    if (!Flush(client)) client.ended = true;
  }
  std::erase_if(clients_, [](const auto& entry) { return entry.second.ended; });
}

void AdminServer::AcceptClients() {
  while (true) {
    FileDescriptor fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    if (clients_.size() >= kClientsMax) {
      clients_.erase(std::ranges::min_element(
          clients_, {}, [](const auto& entry) { return entry.second.last_active; }));
    }
    const int number = fd.get();
    Client client;
    client.fd = std::move(fd);
    client.last_active = ++activity_;
    clients_.emplace(number, std::move(client));
  }
}

bool AdminServer::Serve(Client& client, short events) {
  if ((events & POLLOUT) != 0 && !Flush(client)) return false;
  if ((events & POLLIN) != 0) return Receive(client);
  return (events & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

bool AdminServer::Receive(Client& client) {
  std::array<char, kReadBytes> buffer;
  const ssize_t got = recv(client.fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  client.last_active = ++activity_;
  client.in.append(buffer.data(), static_cast<std::size_t>(got));
  TakeRequest(client);
  return Flush(client);
}

void AdminServer::TakeRequest(Client& client) {
  const std::size_t end = client.in.find('\n');
  if (std::min(end, client.in.size()) > kAdminRequestBytesMax) {
    client.out =
        AdminRefusal({Reason::too_large, "an admin request is one line of at most " +
                                             std::to_string(kAdminRequestBytesMax) + " bytes"}) +
        "\n";
    client.in.clear();
    client.close_when_sent = true;
    return;
  }
  if (end == std::string::npos) return;
  const AdminTicket ticket = next_ticket_++;
  Result<InboxItem> item = ParseAdminRequest(std::string_view(client.in).substr(0, end), ticket);
  client.in.erase(0, end + 1);
  if (!item) {
    client.out = AdminRefusal(item.error()) + "\n";
    return;
  }
  const auto* event = std::get_if<Event>(&*item);
  if (event != nullptr && std::holds_alternative<DrainRequested>(*event)) {
    client.out = AdminOk() + "\n";
  } else {
    client.awaited = ticket;
  }
  inbox_.Push(*std::move(item));
}

bool AdminServer::Flush(Client& client) {
  while (!client.out.empty()) {
    const ssize_t sent = send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    client.out.erase(0, static_cast<std::size_t>(sent));
    client.last_active = ++activity_;
    if (!client.out.empty()) continue;
    if (client.close_when_sent) return false;
    // A client may have sent several lines at once: the next one's turn has come.
    if (client.in.find('\n') != std::string::npos) TakeRequest(client);
  }
  return true;
}

}  // namespace muster::coordinator
