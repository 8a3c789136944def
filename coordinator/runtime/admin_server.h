// The operator's way in: the admin socket of the state directory, and the signal to drain.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "coordinator/runtime/inbox.h"

namespace muster::coordinator {

/// Serves any number of requests of at most kClientsMax clients in a thread of its own; each client
/// has at most one request under way and one reply waiting, so a client that hangs holds nothing
/// but its place, and loses it (the longest silent first) when a new one comes to a full house.
/// Requests go to the inbox; the loop thread answers. Answer is thread-safe.
class AdminServer {
 public:
  static constexpr std::size_t kClientsMax = 64;

  /// Listens on `state_dir`/admin.sock, mode 0700. A readable `signal_fd` (-1: none) is read and
  /// becomes a DrainRequested each time. REQUIRES: the caller holds the directory's lock; inbox
  /// outlives the server. Errors: io_failed.
  static Result<std::unique_ptr<AdminServer>> Start(const std::string& state_dir, int signal_fd,
                                                    Inbox& inbox);
  /// Ends the thread and removes the socket. Replies given before are sent if they fit the sockets.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  /// Replies to the request with this ticket; nothing happens if its client has gone.
  void Answer(AdminTicket ticket, std::string reply);

 private:
  struct Client {
    FileDescriptor fd;
    std::string in;
    std::string out;
    AdminTicket awaited = 0;  ///< 0: none under way.
    bool close_when_sent = false;
    bool ended = false;  ///< To be closed at the end of the turn.
    std::uint64_t last_active = 0;
  };

  AdminServer(std::string state_dir, FileDescriptor listener, FileDescriptor wake, int signal_fd,
              Inbox& inbox);

  void Run();
  void WaitForWork();
  void TakeSignal();
  void TakeAnswers();
  void AcceptClients();
  /// False if the client is to be closed.
  bool Serve(Client& client, short events);
  bool Receive(Client& client);
  void TakeRequest(Client& client);
  bool Flush(Client& client);
  void Wake();

  std::string state_dir_;
  FileDescriptor listener_;
  FileDescriptor wake_;
  int signal_fd_;
  Inbox& inbox_;

  std::map<int, Client> clients_;  ///< By descriptor; the thread's own, as all to the next line.
  AdminTicket next_ticket_ = 1;
  std::uint64_t activity_ = 0;

  std::mutex mutex_;
  std::map<AdminTicket, std::string> answers_;  ///< Given, not yet taken by the thread.
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::coordinator
