// The tickets that a coordinator has given out and not yet taken back.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "common/ids.h"
#include "transport/internal/bulk_ticket.h"

namespace muster {

/// Bounded: a key holds at most kLinksPerIdentityMax tickets; for a newer one the oldest is void,
/// of those first that admitted nobody. Thread-safe: the control socket's thread issues, the ZAP
/// handler's admits, the bulk socket's claims.
class BulkTickets {
 public:
  /// A new ticket for the participant of this key, encoded: to be sent to nobody else.
  SecretBytes Issue(const PublicKey& identity);

  /// Whose it is. A ticket admits one connection: nothing if it did so before, is void, or the
  /// password is another.
  std::optional<PublicKey> Admit(std::string_view user, std::string_view password);

  struct Claimed {
    PublicKey identity;
    SecretBytes up_key;
    SecretBytes down_key;
  };
  /// What opens and seals the connection that the ticket admitted, given out once.
  std::optional<Claimed> Claim(std::string_view user);

 private:
  struct Issued {
    PublicKey identity;
    BulkTicket ticket;
    bool admitted = false;
  };
  /// REQUIRES: known.
  void Forget(std::uint64_t number);

  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Issued> issued_;
  std::map<PublicKey, std::deque<std::uint64_t>> by_identity_;  ///< Oldest first.
};

}  // namespace muster
