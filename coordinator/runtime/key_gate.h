// Who may connect: the roster as the core last gave it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "protocol/records.h"
#include "transport/transport.h"

namespace muster::coordinator {

/// The key gate of a roster: nobody may connect before the first SetRoster. Thread-safe.
///
/// Revocation takes effect at the next handshake here; on live connections the core checks every
/// message.
class RosterGate : public KeyGate {
 public:
  /// Refusals handed over and not yet taken note of; more are only counted (`uncounted`).
  static constexpr std::uint64_t kPendingRefusalsMax = 256;

  void SetRoster(const std::vector<RosterEntry>& roster);

  /// `on_refused` is called from the transport's threads. An empty function stops the calls; once
  /// this returns, the function given before is not running.
  void Observe(std::function<void(const PublicKey&, Reason)> on_refused);
  /// One refusal that was handed over has been dealt with.
  void RefusalHandled();
  /// `on_failed` is called as KeyGate::OnConnectionsFailed, like the above.
  void ObserveFailures(std::function<void(Reason, std::uint64_t, const std::string&)> on_failed);
  /// Refusals that were not handed over, and connections that failed, by reason.
  std::map<Reason, std::uint64_t> uncounted() const;

  Status Check(const PublicKey& key) override;
  void OnRefused(const PublicKey& key, Reason reason) override;
  void OnConnectionsFailed(Reason reason, std::uint64_t count, const std::string& text) override;

 private:
  struct Holder {
    std::string name;
    bool revoked = false;
  };
  mutable std::mutex mutex_;
  std::map<PublicKey, Holder> holders_;
  std::function<void(const PublicKey&, Reason)> on_refused_;
  std::function<void(Reason, std::uint64_t, const std::string&)> on_failed_;
  std::uint64_t pending_ = 0;
  std::map<Reason, std::uint64_t> uncounted_;
};

}  // namespace muster::coordinator
