// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE auth_session

#include "auth_fixture.hpp"

#include <algorithm>

using namespace holt;
using namespace holt::http;
using namespace holt::test;

CAF_TEST_FIXTURE_SCOPE(auth_session_tests, auth_fixture)

CAF_TEST(the cookie is named after the port that the browser sees) {
  auto named = [](const char* host) {
    request out;
    if (host)
      out.headers = {{"Host", host}};
    return session_cookie(out);
  };
  CAF_CHECK_EQUAL(named("localhost:4658"), "holt_session_4658");
  CAF_CHECK_EQUAL(named("[::1]:80"), "holt_session_80");
  for (const auto* host : {"localhost", "[::1]", "a:", "a:b", "a:123456", "a:1;b", "", ":"})
    CAF_CHECK_EQUAL(named(host), "holt_session");
  CAF_CHECK_EQUAL(named(nullptr), "holt_session");
}

CAF_TEST(two daemons on one host keep their own cookies) {
  auto mine = session();
  auto other = plain({{"Cookie", "holt_session_4659=" + mine.substr(mine.find('=') + 1)}});
  CAF_CHECK_EQUAL(code(who().identify(other, false)), "token_invalid"); // of the other daemon
  auto both = plain({{"Cookie", "holt_session_4659=another; " + mine}});
  CAF_CHECK_EQUAL(code(who().identify(both, false)), "ok");
}

CAF_TEST(the end of a session is told once to each who watches) {
  auto first = session();
  auto number = who().identify(plain({{"Cookie", first}}), false)->session;
  CAF_CHECK(number != 0);
  auto program = who().identify(bearer(word), false);
  CAF_REQUIRE(program);
  CAF_CHECK_EQUAL(program->session, 0u);
  std::string told;
  CAF_CHECK(who().watch(number, [&] {
    told += "a";
    who().make_ticket(scope::view, false); // no lock is held
  }) != 0);
  auto gone = who().watch(number, [&] { told += "b"; });
  CAF_CHECK(who().watch(number, [&] { told += "c"; }) != 0);
  who().forget(gone);
  who().close_session(plain({{"Cookie", session()}}, "DELETE")); // another
  CAF_CHECK_EQUAL(told, "");
  who().close_session(plain({{"Cookie", first}}, "DELETE"));
  CAF_CHECK_EQUAL(told, "ac");
  CAF_CHECK_EQUAL(who().watch(number, [&] { told += "d"; }), 0u);
  who().close_session(plain({{"Cookie", first}}, "DELETE"));
  CAF_CHECK_EQUAL(told, "ac");
}

CAF_TEST(a session that is over or pushed out tells it too) {
  auth_limits limits;
  limits.max_sessions = 2;
  who(limits);
  std::string told;
  auto watched = [&](char name) {
    auto cookie = session();
    CAF_CHECK(who().watch(who().identify(plain({{"Cookie", cookie}}), false)->session,
                          [&told, name] { told += name; })
              != 0);
    return cookie;
  };
  CAF_CHECK(!who().expire());
  watched('a');
  CAF_CHECK((who().expire() == now + 12h));
  now += 1h;
  watched('b');
  watched('c');
  CAF_CHECK_EQUAL(told, "a"); // made room
  CAF_CHECK((who().expire() == now + 12h));
  now += 12h + 1s;
  CAF_CHECK(!who().expire());
  std::sort(told.begin(), told.end()); // both were over at once
  CAF_CHECK_EQUAL(told, "abc");
}

CAF_TEST(signing in again carries on what was opened before) {
  auto first = session();
  std::string told;
  CAF_CHECK(who().watch(who().identify(plain({{"Cookie", first}}), false)->session, [&] {
    told += "a";
  }) != 0);
  auto again = who().open_session(plain({{"Cookie", first}}, "POST"), "", word);
  CAF_REQUIRE(again);
  auto second = again->cookie.substr(0, again->cookie.find(';'));
  CAF_CHECK(first != second);
  CAF_CHECK_EQUAL(told, "");
  CAF_CHECK_EQUAL(code(who().identify(plain({{"Cookie", first}}), false)), "token_invalid");
  who().close_session(plain({{"Cookie", second}}, "DELETE"));
  CAF_CHECK_EQUAL(told, "a");
}

CAF_TEST_FIXTURE_SCOPE_END()
