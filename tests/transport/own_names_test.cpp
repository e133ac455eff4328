// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE own_names

#include "transport/guard.hpp"
#include "transport/own_names.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>

using namespace holt;

namespace {

std::string as_host(const boost::asio::ip::address& address) {
  return address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

http::guard_policy on_every_address() {
  http::guard_policy out;
  out.own_name = own_names(boost::asio::ip::make_address("0.0.0.0"));
  return out;
}

} // namespace

CAF_TEST(every address of an interface is a name of this machine) {
  for (const auto& one : interface_addresses())
    CAF_CHECK(is_own_name(as_host(one)));
}

CAF_TEST(others reach IPv4 addresses that are not loopback) {
  const auto all = interface_addresses();
  for (const auto& text : outer_addresses()) {
    const auto address = boost::asio::ip::make_address(text);
    CAF_CHECK(address.is_v4() && !address.is_loopback());
    CAF_CHECK(std::find(all.begin(), all.end(), address) != all.end());
  }
}

CAF_TEST(the host name is a name of this machine and no other name is) {
  std::array<char, 256> text{};
  CAF_REQUIRE_EQUAL(::gethostname(text.data(), text.size() - 1), 0);
  std::string name{text.data()};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.empty())
    CAF_MESSAGE("SKIPPED own_names: this machine has no host name");
  else
    CAF_CHECK(is_own_name(name));
  for (const auto* other : {"", ".", "[]", "evil.example", "192.0.2.77", "[2001:db8::77]",
                            "127.0.0.1.evil.example", "::", "0.0.0.0", "2130706433", "0x7f000001"})
    CAF_CHECK(!is_own_name(other));
  CAF_CHECK(!is_own_name(name + ".evil.example"));
  CAF_CHECK(!is_own_name("evil-" + name));
}

CAF_TEST(a listener on every address takes the names of this machine as Host and no others) {
  const auto policy = on_every_address();
  for (const auto& one : interface_addresses()) {
    CAF_CHECK(http::check_host(policy, as_host(one)).has_value());
    CAF_CHECK(http::check_host(policy, as_host(one) + ":4658").has_value());
    CAF_CHECK(!http::check_host(policy, as_host(one) + ".evil.example").has_value());
  }
  CAF_CHECK(!http::check_host(policy, "evil.example").has_value());
  CAF_CHECK(!http::check_host(policy, "192.0.2.77:4658").has_value());
}

CAF_TEST(a listener on one address takes that and no other) {
  http::guard_policy policy;
  policy.loopback = false;
  policy.own_name = own_names(boost::asio::ip::make_address("192.0.2.7"));
  CAF_CHECK(http::check_host(policy, "192.0.2.7:4658").has_value());
  CAF_CHECK(!http::check_host(policy, "192.0.2.8").has_value());
  CAF_CHECK(!http::check_host(policy, "127.0.0.1").has_value());
  CAF_CHECK(!http::check_host(policy, "192.0.2.7.evil.example").has_value());
  policy.own_name = own_names(boost::asio::ip::make_address("2001:db8::7"));
  CAF_CHECK(http::check_host(policy, "[2001:DB8:0::7]:4658").has_value());
  CAF_CHECK(!http::check_host(policy, "[2001:db8::8]").has_value());
  CAF_CHECK(!own_names(boost::asio::ip::make_address("127.0.0.1")));
}

CAF_TEST(a page at an address of this machine is the same origin) {
  const auto policy = on_every_address();
  for (const auto& one : interface_addresses()) {
    const auto host = as_host(one) + ":4658";
    const auto kind = http::check_origin(policy, "/v1/health", host, "http://" + host);
    CAF_REQUIRE(kind.has_value());
    CAF_CHECK(kind.value() == http::origin_kind::same);
  }
}
