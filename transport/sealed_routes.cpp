#include "transport/internal/sealed_routes.h"

#include <utility>

#include "common/limits.h"

namespace muster {

SealedRoutes::Seal* SealedRoutes::Find(std::string_view route) {
  const auto found = seals_.find(route);
  return found == seals_.end() ? nullptr : &found->second;
}

SealedRoutes::Seal* SealedRoutes::FindOrClaim(std::string_view route,
                                              std::string_view ticket_user) {
  if (Seal* known = Find(route)) return known->ticket_user == ticket_user ? known : nullptr;
  auto claimed = tickets_.Claim(ticket_user);
  if (!claimed) return nullptr;
  std::deque<std::string>& held = by_identity_[claimed->identity];
  if (held.size() == limits::kLinksPerIdentityMax) {
    const auto oldest = seals_.find(held.front());
    on_forgotten_(oldest->first, oldest->second);
    seals_.erase(oldest);
    held.pop_front();
  }
  held.emplace_back(route);
  const auto placed = seals_.emplace(held.back(), Seal{claimed->identity, std::string(ticket_user),
                                                       BulkOpener(std::move(claimed->up_key)),
                                                       BulkSealer(std::move(claimed->down_key))});
  return &placed.first->second;
}

void SealedRoutes::Forget(std::string_view route) {
  const auto found = seals_.find(route);
  if (found == seals_.end()) return;
  const auto holder = by_identity_.find(found->second.identity);
  std::erase(holder->second, route);
  if (holder->second.empty()) by_identity_.erase(holder);
  seals_.erase(found);
}

}  // namespace muster
