#include "transport/link_table.h"

#include "common/limits.h"

namespace muster {

LinkId LinkTable::LinkOf(std::string_view route, const PublicKey& identity) {
  if (const auto known = by_route_.find(route); known != by_route_.end()) {
    const LinkId link = known->second;
    if (links_.at(link).identity == identity) return link;
    Forget(link);
  }
  const LinkId link = next_.fetch_add(1);
  links_.emplace(link, Entry{std::string(route), identity});
  by_route_.emplace(route, link);
  std::set<LinkId>& held = by_identity_[identity];
  held.insert(link);
  if (held.size() > limits::kLinksPerIdentityMax) Forget(*held.begin());
  return link;
}

const std::string* LinkTable::RouteOf(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second.route;
}

void LinkTable::Forget(LinkId link) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  by_route_.erase(found->second.route);
  const auto holder = by_identity_.find(found->second.identity);
  holder->second.erase(link);
  if (holder->second.empty()) by_identity_.erase(holder);
  links_.erase(found);
}

}  // namespace muster
