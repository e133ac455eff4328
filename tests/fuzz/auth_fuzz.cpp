// SPDX-License-Identifier: Apache-2.0

// Credentials from outside. Lines of the input: Authorization, Cookie, access_token, ticket,
// Origin. Nothing that is guessed gets in.

#include "tests/fuzz/fuzz.hpp"
#include "transport/assets.hpp"
#include "transport/auth.hpp"

using namespace holt;
using namespace holt::http;

FUZZ(auth) {
  auto rest = fuzz::text(data);
  auto line = [&] {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return std::string{out};
  };
  authority all{log::secret{"Zk3mXw9cQ0aVt7RrB2yLs8HdEf5UjNpG1oKiTq4WzCx"}, {}};
  auto ticket = all.make_ticket(all_scopes, false);
  request what;
  what.method = "POST";
  what.path = "/v1/session";
  what.headers = {{"Authorization", line()}, {"Cookie", line()}};
  what.query = {{"access_token", line()}, {"ticket", line()}};
  what.headers.push_back({"Origin", line()});
  what.headers.push_back({"Host", "localhost"});
  const auto cookie = cookie_value(what.headers[1].value, "holt_session");
  fuzz::must(cookie.find(';') == cookie.npos, "a cookie ends at a semicolon");
  for (const bool websocket : {false, true})
    fuzz::must(!all.identify(what, websocket), "no guess gets in");
  fuzz::must(!all.consume(what), "no guess gets in");
  fuzz::must(!all.open_session(what, what.query[1].second, what.query[0].second),
             "no guess opens a session");
  all.close_session(what);
  choose_encoding(what.headers[1].value, true, true);
  what.headers.clear();
  what.query = {{"ticket", ticket}};
  fuzz::must(all.consume(what).has_value(), "the right ticket still works");
}
