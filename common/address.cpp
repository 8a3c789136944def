#include "common/address.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace muster {
namespace {

constexpr std::string_view kScheme = "tcp://";
constexpr std::string_view kForm = "write tcp://ADDRESS:PORT";

struct Address {
  std::string_view host;
  std::uint16_t port = 0;
};

/// Names, IPv4, [IPv6%zone] and interfaces; ZeroMQ takes no other characters.
bool IsHostCharacter(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || std::string_view(".-_:%[]*").find(c) != kForm.npos;
}

/// The address, or what is wrong with it in `fault`.
std::optional<Address> Split(std::string_view text, std::string& fault) {
  fault = kForm;
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with(kScheme) || colon <= kScheme.size()) return std::nullopt;
  Address address;
  address.host = text.substr(kScheme.size(), colon - kScheme.size());
  if (!std::ranges::all_of(address.host, IsHostCharacter)) return std::nullopt;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (failure == std::errc::result_out_of_range) {
    fault = "ports go up to 65535";
    return std::nullopt;
  }
  if (failure != std::errc() || rest != end) return std::nullopt;
  fault.clear();
  return address;
}

}  // namespace

std::string ListenAddressFault(std::string_view text) {
  std::string fault;
  Split(text, fault);
  if (fault == kForm) fault += " (port 0: a free one, kept from then on)";
  return fault;
}

std::string ConnectAddressFault(std::string_view text) {
  std::string fault;
  const std::optional<Address> address = Split(text, fault);
  if (!address) return fault;
  if (address->host.find('*') != address->host.npos) return "* is no host to connect to";
  return address->port == 0 ? "port 0 is none to connect to" : "";
}

}  // namespace muster
