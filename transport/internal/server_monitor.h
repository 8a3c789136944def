// Hears what ZeroMQ tells of connections that a bound socket never came to see.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "transport/transport.h"
#include "transport/wake.h"

namespace muster {

/// A thread of its own: a monitor that nobody reads stops the I/O thread, whatever the socket's
/// owner is busy with. Tells the gate (KeyGate::OnConnectionsFailed) the first failure of a kind at
/// once and the others counted together, every kFailureReportMs.
class ServerMonitor {
 public:
  /// `socket`, `context` and `gate` outlive it. Throws zmq::error_t.
  ServerMonitor(zmq::context_t& context, zmq::socket_t& socket, Channel channel, KeyGate& gate);
  /// Called by the thread that uses the socket.
  ~ServerMonitor();
  ServerMonitor(const ServerMonitor&) = delete;
  ServerMonitor& operator=(const ServerMonitor&) = delete;

 private:
  using Clock = std::chrono::steady_clock;

  /// Of one kind, since it was last told.
  struct Failures {
    std::uint64_t count = 0;
    std::string text;  ///< Of the newest.
    Clock::time_point told_at{};
  };

  void Run();
  void Drain();
  void OnEvent(std::uint16_t event, std::uint32_t value);
  /// Tells what is due, or all. How long the rest can wait: -1 if there is none.
  int Tell(bool all);

  zmq::socket_t& socket_;
  zmq::socket_t reader_;  ///< The thread's, once it runs.
  const Channel channel_;
  KeyGate& gate_;
  std::map<Reason, Failures> failures_;
  WakeFlag stop_;
  std::thread thread_;
};

}  // namespace muster
