// Which seal each bulk connection of a coordinator has.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "transport/internal/bulk_seal.h"
#include "transport/internal/bulk_tickets.h"

namespace muster {

/// Bounded: at most kLinksPerIdentityMax of a key, the oldest is forgotten for a newer one and its
/// connection never heard again. Not thread-safe.
class SealedRoutes {
 public:
  /// `tickets` outlives it.
  explicit SealedRoutes(BulkTickets& tickets) : tickets_(tickets) {}

  struct Seal {
    PublicKey identity;
    BulkOpener opener;
    BulkSealer sealer;
    bool broken = false;  ///< A frame came that does not open: no other will be.
  };
  /// Of the connection `route`. Null if it has none. Valid until the next call.
  Seal* Find(std::string_view route);
  /// As Find; a connection that has none gets that of the ticket which admitted it, once.
  Seal* FindOrClaim(std::string_view route, std::string_view ticket_user);
  /// The connection is never heard again.
  void Forget(std::string_view route);

 private:
  BulkTickets& tickets_;
  std::map<std::string, Seal, std::less<>> seals_;
  std::map<PublicKey, std::deque<std::string>> by_identity_;  ///< Oldest first.
};

}  // namespace muster
