#include "transport/internal/bulk_tickets.h"

#include <gtest/gtest.h>

#include "common/limits.h"

namespace muster {
namespace {

PublicKey HolderOf(std::uint8_t byte) {
  PublicKey key;
  key.bytes.fill(static_cast<std::byte>(byte));
  return key;
}

BulkTicket IssueTo(BulkTickets& tickets, const PublicKey& identity) {
  auto ticket = ParseTicket(tickets.Issue(identity).Reveal());
  EXPECT_TRUE(ticket.has_value());
  return std::move(*ticket);
}

std::optional<PublicKey> Admit(BulkTickets& tickets, const BulkTicket& ticket) {
  return tickets.Admit(TicketUser(ticket.number), TicketPassword(ticket.password));
}

TEST(BulkTicketFrame, CarriesAllOfATicket) {
  const BulkTicket ticket{7, RandomSecret(kTicketPasswordBytes), RandomSecret(kAesKeyBytes),
                          RandomSecret(kAesKeyBytes)};
  const SecretBytes frame = EncodeTicket(ticket);
  EXPECT_TRUE(IsTicketFrame(frame.Reveal()));
  const auto parsed = ParseTicket(frame.Reveal());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->number, 7U);
  EXPECT_TRUE(ConstantTimeEqual(parsed->password.Reveal(), ticket.password.Reveal()));
  EXPECT_TRUE(ConstantTimeEqual(parsed->up_key.Reveal(), ticket.up_key.Reveal()));
  EXPECT_TRUE(ConstantTimeEqual(parsed->down_key.Reveal(), ticket.down_key.Reveal()));
}

TEST(BulkTicketFrame, OfAnySizeButItsOwnIsRefused) {
  BulkTickets tickets;
  const SecretBytes frame = tickets.Issue(HolderOf(1));
  Bytes longer(frame.Reveal().begin(), frame.Reveal().end());
  longer.push_back({});
  for (std::size_t size = 0; size <= longer.size(); ++size) {
    const bool whole = size == frame.size();
    EXPECT_EQ(ParseTicket(ByteSpan(longer).first(size)).has_value(), whole) << size;
    EXPECT_FALSE(ParseTicketRequest(ByteSpan(longer).first(size)).has_value()) << size;
  }
  Bytes request = EncodeTicketRequest();
  EXPECT_TRUE(ParseTicketRequest(request).has_value());
  EXPECT_FALSE(ParseTicket(request).has_value());
  request.push_back({});
  EXPECT_FALSE(ParseTicketRequest(request).has_value());
}

TEST(BulkTicketFrame, OfAnotherFormatIsUnsupportedNotMalformed) {
  constexpr std::size_t kFormatAt = 8;
  Bytes request = EncodeTicketRequest();
  request[kFormatAt] = std::byte{2};
  EXPECT_TRUE(IsTicketFrame(request)) << "the transport's to answer";
  EXPECT_EQ(ParseTicketRequest(request).error().reason, Reason::protocol_unsupported);
  EXPECT_EQ(ParseTicket(request).error().reason, Reason::protocol_unsupported);
  EXPECT_EQ(ParseTicket(EncodeTicketRefusal()).error().reason, Reason::protocol_unsupported);
}

TEST(BulkTicketFrame, ReservedBytesAreZero) {
  constexpr std::size_t kZeroAt = 12;
  Bytes request = EncodeTicketRequest();
  request[kZeroAt + 3] = std::byte{1};
  EXPECT_EQ(ParseTicketRequest(request).error().reason, Reason::malformed_message);
}

TEST(BulkTickets, AdmitsItsHolderOnceAndIsClaimedOnce) {
  BulkTickets tickets;
  const BulkTicket ticket = IssueTo(tickets, HolderOf(1));
  EXPECT_FALSE(tickets.Claim(TicketUser(ticket.number)).has_value()) << "nobody came with it yet";
  EXPECT_EQ(Admit(tickets, ticket), HolderOf(1));
  EXPECT_FALSE(Admit(tickets, ticket).has_value()) << "whoever saw it pass cannot use it";
  const auto claimed = tickets.Claim(TicketUser(ticket.number));
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(claimed->identity, HolderOf(1));
  EXPECT_TRUE(ConstantTimeEqual(claimed->up_key.Reveal(), ticket.up_key.Reveal()));
  EXPECT_TRUE(ConstantTimeEqual(claimed->down_key.Reveal(), ticket.down_key.Reveal()));
  EXPECT_FALSE(tickets.Claim(TicketUser(ticket.number)).has_value());
  EXPECT_FALSE(Admit(tickets, ticket).has_value());
}

TEST(BulkTickets, AWrongPasswordDoesNotSpendIt) {
  BulkTickets tickets;
  const BulkTicket ticket = IssueTo(tickets, HolderOf(1));
  const std::string user = TicketUser(ticket.number);
  EXPECT_FALSE(tickets.Admit(user, "").has_value());
  EXPECT_FALSE(tickets.Admit(user, TicketPassword(RandomSecret(kTicketPasswordBytes))).has_value());
  EXPECT_EQ(Admit(tickets, ticket), HolderOf(1));
}

TEST(BulkTickets, UsersThatAreNoTicketAreNobody) {
  BulkTickets tickets;
  const BulkTicket ticket = IssueTo(tickets, HolderOf(1));
  const std::string password = TicketPassword(ticket.password);
  for (const std::string user : {"", "0", "2", "-1", "+1", " 1", "1 ", "1x", "0x1",
                                 "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_FALSE(tickets.Admit(user, password).has_value()) << user;
    EXPECT_FALSE(tickets.Claim(user).has_value()) << user;
  }
}

TEST(BulkTickets, AKeyCannotFillTheBook) {
  BulkTickets tickets;
  const BulkTicket other = IssueTo(tickets, HolderOf(2));
  std::vector<BulkTicket> mine;
  for (std::size_t i = 0; i < limits::kLinksPerIdentityMax + 3; ++i) {
    mine.push_back(IssueTo(tickets, HolderOf(1)));
  }
  for (std::size_t i = 0; i < mine.size(); ++i) {
    EXPECT_EQ(Admit(tickets, mine[i]).has_value(), i >= 3) << i;
  }
  EXPECT_EQ(Admit(tickets, other), HolderOf(2));
}

TEST(BulkTickets, AConnectionThatWasLetInAndHasNotSpokenYetKeepsItsTicket) {
  BulkTickets tickets;
  const BulkTicket in = IssueTo(tickets, HolderOf(1));
  EXPECT_EQ(Admit(tickets, in), HolderOf(1));
  for (std::size_t i = 0; i < 3 * limits::kLinksPerIdentityMax; ++i) {
    IssueTo(tickets, HolderOf(1));
  }
  EXPECT_TRUE(tickets.Claim(TicketUser(in.number)).has_value());
}

}  // namespace
}  // namespace muster
