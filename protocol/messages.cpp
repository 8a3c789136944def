#include "protocol/messages.h"

#include <string_view>
#include <type_traits>
#include <variant>

namespace muster {
namespace {

// In the order of the variant's alternatives.
constexpr std::string_view kMessageNames[] = {
    "hello",         "lease_renew", "offer",        "leave",        "refuse_coordinator",
    "welcome",       "lease_ack",   "task",         "grant",        "upload_credit",
    "accepted",      "committed",   "refused",      "job_finished", "bulk_hello",
    "model_request", "model_chunk", "update_chunk",
};
static_assert(std::size(kMessageNames) == std::variant_size_v<Message>);

}  // namespace

std::string_view MessageName(const Message& message) { return kMessageNames[message.index()]; }

}  // namespace muster
