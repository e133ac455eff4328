// SPDX-License-Identifier: Apache-2.0
#pragma once

// An authority with a clock of the test's own, and the requests that come to it.

#include "transport/auth.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <optional>

namespace holt::test {

using namespace holt::http;
using namespace std::chrono_literals;

inline constexpr auto word = "the-first-token-of-this-daemon";

struct auth_fixture {
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
  guard_policy guard;
  std::optional<authority> made;

  authority& who(auth_limits limits = {}) {
    if (!made) {
      guard.allowed_origins = {"https://friend.example"};
      guard.origin_exempt = [](std::string_view path) { return path == "/realtime"; };
      made.emplace(log::secret{word}, guard, limits, [this] { return now; });
    }
    return *made;
  }

  static request plain(std::vector<header> headers = {}, std::string method = "GET") {
    request out;
    out.method = std::move(method);
    out.path = "/v1/things";
    out.headers = std::move(headers);
    out.headers.push_back({"Host", "localhost:4658"});
    out.peer = {boost::asio::ip::make_address("127.0.0.1"), 40000};
    return out;
  }
  static request bearer(const std::string& token) {
    return plain({{"Authorization", "Bearer " + token}});
  }
  static request asked(const std::string& name, const std::string& value) {
    auto out = plain();
    out.query.emplace_back(name, value);
    return out;
  }
  static request from(request what, const char* address) {
    what.peer = {boost::asio::ip::make_address(address), 40000};
    return what;
  }
  /// The Cookie header of a session that was opened with the token.
  std::string session() {
    auto got = who().open_session(plain({}, "POST"), "", word);
    CAF_REQUIRE(got);
    return got->cookie.substr(0, got->cookie.find(';'));
  }
  static std::string code(const result<identity>& got) {
    return got ? "ok" : std::string{got.error().word()};
  }
};

} // namespace holt::test
