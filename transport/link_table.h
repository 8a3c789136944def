// Which connection a LinkId stands for, at the bound end of a channel. Bounded: a key holds at most
// kLinksPerIdentityMax links, the oldest is forgotten for a newer one.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "transport/transport.h"

namespace muster {

/// Not thread-safe, but for `next`, which several tables may share.
class LinkTable {
 public:
  /// Draws ids from `next`, which outlives the table.
  explicit LinkTable(std::atomic<LinkId>& next) : next_(next) {}

  /// The link of the connection `route` (what the transport calls it) of `identity`. A new one if
  /// the route is unknown, or was another key's: a link never changes hands.
  LinkId LinkOf(std::string_view route, const PublicKey& identity);
  bool Knows(std::string_view route) const { return by_route_.contains(route); }
  /// Nothing if the link is unknown. Valid until the next call that is not const.
  const std::string* RouteOf(LinkId link) const;
  void Forget(LinkId link);
  std::size_t size() const { return links_.size(); }

 private:
  struct Entry {
    std::string route;
    PublicKey identity;
  };
  std::atomic<LinkId>& next_;
  std::map<LinkId, Entry> links_;
  std::map<std::string, LinkId, std::less<>> by_route_;
  std::map<PublicKey, std::set<LinkId>> by_identity_;  ///< Ids grow: the first is the oldest.
};

}  // namespace muster
