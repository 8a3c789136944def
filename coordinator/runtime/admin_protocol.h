// The operator's requests and their answers: one JSON object a line. admin_client.h lists them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"
#include "coordinator/runtime/inbox.h"
#include "protocol/records.h"

namespace muster::coordinator {

inline constexpr std::size_t kAdminRequestBytesMax = 64U << 10;
/// A status names every participant: 65,536 of them at their longest stay below.
inline constexpr std::size_t kAdminReplyBytesMax = 64U << 20;
inline constexpr std::string_view kAdminSocketName = "admin.sock";

/// What the loop thread is told for a request line. A drain carries no ticket: it is answered at
/// once. Errors: malformed_message, naming what is wrong with the request.
Result<InboxItem> ParseAdminRequest(std::string_view line, AdminTicket ticket);

/// Replies, without the newline.
std::string AdminOk();
std::string AdminOk(RosterIndex index);
std::string AdminRoster(const std::vector<RosterEntry>& roster);
std::string AdminRefusal(const Error& error);

}  // namespace muster::coordinator
