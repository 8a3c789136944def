// Which seal each bulk connection of a coordinator has.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/ids.h"
#include "transport/internal/bulk_seal.h"
#include "transport/internal/bulk_tickets.h"

namespace muster {

/// Bounded: at most kLinksPerIdentityMax of a key, the oldest is forgotten for a newer one and its
/// connection never heard again. Not thread-safe.
class SealedRoutes {
 public:
  struct Seal {
    PublicKey identity;
    std::string ticket_user;
    BulkOpener opener;
    BulkSealer sealer;
    bool broken = false;  ///< A frame came that does not open: no other will be.
  };

  /// `tickets` outlives it. `on_forgotten` is called for a connection that makes room for a newer
  /// one of its key, so that its peer can be told.
  SealedRoutes(BulkTickets& tickets,
               std::function<void(const std::string& route, Seal& seal)> on_forgotten)
      : tickets_(tickets), on_forgotten_(std::move(on_forgotten)) {}

  /// Of the connection `route`. Null if it has none. Valid until the next call.
  Seal* Find(std::string_view route);
  /// As Find, of the connection that this ticket admitted; if it has none yet, the ticket's.
  Seal* FindOrClaim(std::string_view route, std::string_view ticket_user);
  /// The connection is never heard again.
  void Forget(std::string_view route);

 private:
  BulkTickets& tickets_;
  std::function<void(const std::string& route, Seal& seal)> on_forgotten_;
  std::map<std::string, Seal, std::less<>> seals_;
  std::map<PublicKey, std::deque<std::string>> by_identity_;  ///< Oldest first.
};

}  // namespace muster
