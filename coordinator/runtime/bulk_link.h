// How the core's one space of link ids covers both channels.
#pragma once

#include "common/error.h"
#include "common/ids.h"

namespace muster::coordinator {

/// Links of the bulk channel carry this bit; transports number links from 1 and never reach it.
inline constexpr LinkId kBulkLinkBit = LinkId{1} << 63;

inline bool IsBulkLink(LinkId link) { return (link & kBulkLinkBit) != 0; }
inline LinkId ToBulkLink(LinkId socket_link) {
  MUSTER_CHECK(!IsBulkLink(socket_link), "a transport ran out of link ids");
  return socket_link | kBulkLinkBit;
}
inline LinkId ToSocketLink(LinkId bulk_link) { return bulk_link & ~kBulkLinkBit; }

}  // namespace muster::coordinator
