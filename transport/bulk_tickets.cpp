#include "transport/internal/bulk_tickets.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/limits.h"

namespace muster {
namespace {

std::optional<std::uint64_t> NumberOf(std::string_view user) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
  if (error != std::errc() || end != user.data() + user.size()) return std::nullopt;
  return number;
}

}  // namespace

SecretBytes BulkTickets::Issue(const PublicKey& identity) {
  BulkTicket ticket{0, RandomSecret(kTicketPasswordBytes), RandomSecret(kAesKeyBytes),
                    RandomSecret(kAesKeyBytes)};
  std::lock_guard lock(mutex_);
  ticket.number = ++last_;
  SecretBytes encoded = EncodeTicket(ticket);
  std::deque<std::uint64_t>& held = by_identity_[identity];
  if (held.size() == limits::kLinksPerIdentityMax) {
    // One that let a connection in, which has not spoken yet, goes last.
    auto oldest = std::ranges::find_if(
        held, [this](std::uint64_t number) { return !issued_.at(number).admitted; });
    if (oldest == held.end()) oldest = held.begin();
    issued_.erase(*oldest);
    held.erase(oldest);
  }
  held.push_back(ticket.number);
  issued_.emplace(last_, Issued{identity, std::move(ticket)});
  return encoded;
}

std::optional<PublicKey> BulkTickets::Admit(std::string_view user, std::string_view password) {
  const auto number = NumberOf(user);
  if (!number) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto found = issued_.find(*number);
  if (found == issued_.end() || found->second.admitted) return std::nullopt;
  std::string expected = TicketPassword(found->second.ticket.password);
  const bool same = ConstantTimeEqual(AsBytes(expected), AsBytes(password));
  WipeBytes({reinterpret_cast<std::byte*>(expected.data()), expected.size()});
  if (!same) return std::nullopt;
  found->second.admitted = true;
  return found->second.identity;
}

std::optional<BulkTickets::Claimed> BulkTickets::Claim(std::string_view user) {
  const auto number = NumberOf(user);
  if (!number) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto found = issued_.find(*number);
  if (found == issued_.end() || !found->second.admitted) return std::nullopt;
  Claimed claimed{found->second.identity, std::move(found->second.ticket.up_key),
                  std::move(found->second.ticket.down_key)};
  Forget(*number);
  return claimed;
}

void BulkTickets::Forget(std::uint64_t number) {
  const auto found = issued_.find(number);
  const auto holder = by_identity_.find(found->second.identity);
  std::erase(holder->second, number);
  if (holder->second.empty()) by_identity_.erase(holder);
  issued_.erase(found);
}

}  // namespace muster
