// Somebody on the way between a client and a server.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "common/file.h"
#include "transport/wake.h"

namespace muster {

/// Passes one TCP connection on, both ways, and changes one byte of what it is told to: it can read
/// and write every byte, and has no key.
class TamperingProxy {
 public:
  enum class Way : std::uint8_t { to_server, to_client };

  /// Listens on a port of its own for one client, whom it connects to `server_endpoint`.
  explicit TamperingProxy(const std::string& server_endpoint);
  ~TamperingProxy();
  TamperingProxy(const TamperingProxy&) = delete;
  TamperingProxy& operator=(const TamperingProxy&) = delete;

  std::string endpoint() const;
  /// The next chunk of at least `bytes_min` that it reads on this way gets its middle byte changed.
  void TamperNext(Way way, std::size_t bytes_min);
  bool tampered() const { return tampered_; }

 private:
  void Run();
  /// False once either end has gone.
  bool Pass(Way way, const FileDescriptor& from, const FileDescriptor& to);

  const int server_port_;
  int port_ = 0;  ///< Set while listener_ is made.
  FileDescriptor listener_;
  WakeFlag stop_;
  std::atomic<std::size_t> bytes_min_{0};  ///< 0: nothing is changed.
  std::atomic<Way> way_{Way::to_server};
  std::atomic<bool> tampered_{false};
  std::thread thread_;
};

}  // namespace muster
