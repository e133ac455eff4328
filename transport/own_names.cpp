// SPDX-License-Identifier: Apache-2.0
#include "transport/own_names.hpp"

#include "messages/text_bytes.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace holt {

namespace {

namespace ip = boost::asio::ip;

std::string host_name() {
  std::array<char, 256> text{};
  if (::gethostname(text.data(), text.size() - 1) != 0)
    return {};
  return lower(text.data());
}

bool is_host_name(std::string_view name) {
  const auto own = host_name();
  return !own.empty() && (name == own || name == std::string_view{own}.substr(0, own.find('.')));
}

/// Of an address as it stands in Host.
std::optional<ip::address> literal(std::string_view name) {
  const bool brackets = name.size() > 2 && name.front() == '[' && name.back() == ']';
  boost::system::error_code ec;
  const auto out
    = ip::make_address(std::string{brackets ? name.substr(1, name.size() - 2) : name}, ec);
  if (ec || out.is_v6() != brackets)
    return std::nullopt;
  return out;
}

} // namespace

std::vector<ip::address> interface_addresses() {
  std::vector<ip::address> out;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0)
    return out;
  for (const auto* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0)
      continue;
    if (one->ifa_addr->sa_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, one->ifa_addr, sizeof v4);
      out.emplace_back(ip::address_v4{ntohl(v4.sin_addr.s_addr)});
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, one->ifa_addr, sizeof v6);
      ip::address_v6::bytes_type bytes{};
      std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
      out.emplace_back(ip::address_v6{bytes}); // without its zone: no Host carries one
    }
  }
  ::freeifaddrs(all);
  return out;
}

std::vector<std::string> outer_addresses() {
  std::vector<std::string> out;
  for (const auto& one : interface_addresses())
    if (one.is_v4() && !one.is_loopback())
      out.push_back(one.to_string());
  return out;
}

bool is_own_name(std::string_view name) {
  if (is_host_name(name))
    return true;
  const auto asked = literal(name);
  if (!asked)
    return false; // a name that leads here by DNS is no name of ours
  const auto all = interface_addresses();
  return std::find(all.begin(), all.end(), *asked) != all.end();
}

std::function<bool(std::string_view name)> own_names(const ip::address& listening) {
  if (listening.is_unspecified())
    return is_own_name;
  if (listening.is_loopback())
    return {};
  return
    [listening](std::string_view name) { return is_host_name(name) || literal(name) == listening; };
}

} // namespace holt
