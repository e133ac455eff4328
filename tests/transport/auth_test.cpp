// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE auth

#include "auth_fixture.hpp"

using namespace holt;
using namespace holt::http;
using namespace holt::test;

CAF_TEST_FIXTURE_SCOPE(auth_tests, auth_fixture)

CAF_TEST(the first token may do everything) {
  auto got = who().identify(bearer(word), false);
  CAF_REQUIRE(got);
  CAF_CHECK(got->scopes == all_scopes);
  CAF_CHECK(got->kind == credential::token);
  CAF_CHECK(!got->came_with_access_token);
  CAF_CHECK_EQUAL(to_string(got->scopes), "view input fs exec admin");
}

CAF_TEST(a wrong or missing token and other words are refused) {
  for (const auto& value :
       {std::string{word} + "x", std::string{word}.substr(1), std::string{}, std::string(600, 'a')})
    CAF_CHECK_EQUAL(code(who().identify(bearer(value), false)), "token_invalid");
  CAF_CHECK_EQUAL(code(who().identify(plain(), true)), "token_invalid");
  const std::string right{word};
  for (const auto& value : {"bearer " + right, "Basic " + right, right, "Bearer  " + right})
    CAF_CHECK_EQUAL(code(who().identify(plain({{"Authorization", value}}), false)),
                    "token_invalid");
}

CAF_TEST(access_token opens WebSockets and nothing else) {
  auto got = who().identify(asked("access_token", word), true);
  CAF_REQUIRE(got);
  CAF_CHECK(got->came_with_access_token);
  CAF_CHECK(got->kind == credential::token);
  CAF_CHECK_EQUAL(code(who().consume(asked("access_token", word))), "ok");
  CAF_CHECK_EQUAL(code(who().consume(asked("access_token", "wrong"))), "token_invalid");
  auto refused = who().identify(asked("access_token", word), false);
  CAF_CHECK_EQUAL(code(refused), "token_invalid");
  CAF_CHECK(refused.error().detail.find("WebSockets") != std::string::npos);
}

CAF_TEST(a header goes before the query) {
  auto both = asked("access_token", word);
  both.headers.push_back({"Authorization", "Bearer wrong"});
  CAF_CHECK_EQUAL(code(who().identify(both, true)), "token_invalid");
}

CAF_TEST(a ticket works once) {
  auto ticket = who().make_ticket(scope::view, false);
  CAF_CHECK_EQUAL(ticket.size(), 43u);
  CAF_CHECK_EQUAL(code(who().identify(asked("ticket", ticket), false)), "token_invalid");
  // Looking does not use it up.
  CAF_CHECK_EQUAL(code(who().identify(asked("ticket", ticket), true)), "ok");
  auto got = who().consume(asked("ticket", ticket));
  CAF_REQUIRE(got);
  CAF_CHECK(got->kind == credential::ticket);
  CAF_CHECK(got->may(scope::view));
  CAF_CHECK(!got->may(scope::input));
  CAF_CHECK(!got->may(scopes{scope::view} | scope::admin));
  CAF_CHECK_EQUAL(code(who().consume(asked("ticket", ticket))), "token_invalid");
}

CAF_TEST(a ticket that may be used again works again) {
  auto ticket = who().make_ticket(all_scopes, true);
  now += 24h * 365;
  for (int i = 0; i < 3; ++i) {
    CAF_CHECK_EQUAL(code(who().consume(asked("ticket", ticket))), "ok");
    CAF_CHECK(who().open_session(plain({}, "POST"), ticket, ""));
  }
}

CAF_TEST(a ticket ends with its time) {
  auto first = who().make_ticket(scope::view, false);
  auto second = who().make_ticket(scope::view, false);
  now += 300s;
  CAF_CHECK_EQUAL(code(who().consume(asked("ticket", first))), "ok");
  now += 1s;
  CAF_CHECK_EQUAL(code(who().consume(asked("ticket", second))), "token_invalid");
  CAF_CHECK(!who().open_session(plain({}, "POST"), second, ""));
}

CAF_TEST(a ticket opens one browser session) {
  auto ticket = who().make_ticket(scopes{scope::view} | scope::input, false);
  auto got = who().open_session(plain({}, "POST"), ticket, "");
  CAF_REQUIRE(got);
  CAF_CHECK(got->who.kind == credential::session);
  CAF_CHECK(got->cookie.starts_with("holt_session_4658="));
  for (const auto* part : {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"})
    CAF_CHECK(got->cookie.find(part) != std::string::npos);
  auto again = who().open_session(plain({}, "POST"), ticket, "");
  CAF_REQUIRE(!again);
  CAF_CHECK(again.error().code == errc::token_invalid);
  auto known
    = who().identify(plain({{"Cookie", got->cookie.substr(0, got->cookie.find(';'))}}), false);
  CAF_REQUIRE(known);
  CAF_CHECK_EQUAL(to_string(known->scopes), "view input");
}

CAF_TEST(a session needs the page as Origin for what changes something) {
  auto cookie = session();
  struct row {
    const char* method;
    const char* origin;
    bool websocket;
    const char* expected;
  };
  for (const auto& one : std::vector<row>{
         {"GET", "", false, "ok"},
         {"HEAD", "", false, "ok"},
         {"GET", "http://localhost:4658", true, "ok"},
         {"GET", "https://friend.example", true, "ok"},
         {"GET", "https://stranger.example", true, "origin_refused"},
         {"GET", "http://localhost:4659", true, "origin_refused"},
         {"GET", "null", true, "origin_refused"},
         {"GET", "", true, "origin_refused"},
         {"POST", "http://localhost:4658", false, "ok"},
         {"POST", "https://friend.example", false, "ok"},
         {"POST", "https://stranger.example", false, "origin_refused"},
         {"POST", "", false, "origin_refused"},
         {"DELETE", "", false, "origin_refused"},
         {"PUT", "null", false, "origin_refused"},
       }) {
    auto what = plain({{"Cookie", "a=b; " + cookie}}, one.method);
    if (*one.origin)
      what.headers.push_back({"Origin", one.origin});
    CAF_MESSAGE(one.method << " " << one.origin << " " << one.websocket);
    CAF_CHECK_EQUAL(code(who().identify(what, one.websocket)), one.expected);
  }
}

CAF_TEST(a path that skips the Origin list takes no session) {
  auto what = plain({{"Cookie", session()}, {"Origin", "https://stranger.example"}});
  what.path = "/realtime";
  CAF_CHECK_EQUAL(code(who().identify(what, true)), "origin_refused");
}

CAF_TEST(a session ends with its time and when it is closed) {
  auto first = session();
  auto second = session();
  CAF_CHECK(first != second);
  auto clearing = who().close_session(plain({{"Cookie", first}}, "DELETE"));
  CAF_CHECK(clearing.starts_with("holt_session_4658=;"));
  CAF_CHECK(clearing.find("Max-Age=0") != std::string::npos);
  CAF_CHECK_EQUAL(code(who().identify(plain({{"Cookie", first}}), false)), "token_invalid");
  now += 12h;
  CAF_CHECK_EQUAL(code(who().identify(plain({{"Cookie", second}}), false)), "ok");
  now += 1s;
  CAF_CHECK_EQUAL(code(who().identify(plain({{"Cookie", second}}), false)), "token_invalid");
}

CAF_TEST(after ten wrong tokens an address waits and the right token still passes) {
  for (int i = 0; i < 10; ++i)
    CAF_CHECK_EQUAL(code(who().identify(bearer("wrong"), false)), "token_invalid");
  CAF_CHECK_EQUAL(code(who().identify(bearer("wrong"), false)), "too_many_requests");
  CAF_CHECK_EQUAL(code(who().identify(asked("access_token", "wrong"), true)), "too_many_requests");
  auto session_try = who().open_session(plain({}, "POST"), "wrong", "");
  CAF_REQUIRE(!session_try);
  CAF_CHECK(session_try.error().code == errc::too_many_requests);
  CAF_CHECK_EQUAL(code(who().identify(bearer(word), false)), "ok");
  CAF_CHECK_EQUAL(code(who().identify(from(bearer("wrong"), "127.0.0.2"), false)), "token_invalid");
  now += 61s;
  CAF_CHECK_EQUAL(code(who().identify(bearer("wrong"), false)), "token_invalid");
}

CAF_TEST(the limit looks at the last minute only) {
  for (int i = 0; i < 100; ++i) {
    CAF_CHECK_EQUAL(code(who().identify(bearer("wrong"), false)), "token_invalid");
    now += 7s;
  }
}

CAF_TEST(a known request shows a token or a session and a wrong one is not counted) {
  auto cookie = session();
  CAF_CHECK(who().knows(bearer(word)));
  CAF_CHECK(who().knows(plain({{"Cookie", cookie}})));
  CAF_CHECK(!who().knows(plain()));
  CAF_CHECK(!who().knows(plain({{"Cookie", "holt_session_4658=guess"}})));
  CAF_CHECK(!who().knows(asked("access_token", word))); // not in a URL
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(!who().knows(bearer("wrong")));
  CAF_CHECK_EQUAL(code(who().identify(bearer("wrong"), false)), "token_invalid");
}

CAF_TEST(requests without a credential are not counted) {
  for (int i = 0; i < 50; ++i)
    CAF_CHECK_EQUAL(code(who().identify(plain(), false)), "token_invalid");
  CAF_CHECK_EQUAL(code(who().identify(bearer("wrong"), false)), "token_invalid");
}

CAF_TEST(a full table of tickets forgets the oldest one) {
  auth_limits limits;
  limits.max_tickets = 20;
  who(limits);
  auto kept = who().make_ticket(scope::view, true);
  std::vector<std::string> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(who().make_ticket(scope::view, false));
    now += 1s;
  }
  int works = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    // An address of its own for each: wrong ones are counted.
    auto what = from(asked("ticket", all[i]), ("127.0.1." + std::to_string(i)).c_str());
    bool good = who().consume(what).has_value();
    CAF_CHECK_EQUAL(good, i >= 31); // 19 beside the one that stays
    works += good;
  }
  CAF_CHECK_EQUAL(works, 19);
  CAF_CHECK_EQUAL(code(who().consume(asked("ticket", kept))), "ok");
}

CAF_TEST(tickets whose time is over go before those that are good) {
  auth_limits limits;
  limits.max_tickets = 3;
  who(limits);
  auto old = who().make_ticket(scope::view, false);
  now += 299s;
  auto good = who().make_ticket(scope::view, false);
  auto better = who().make_ticket(scope::view, false);
  now += 2s;
  auto best = who().make_ticket(scope::view, false);
  for (const auto& one : {good, better, best})
    CAF_CHECK_EQUAL(code(who().consume(asked("ticket", one))), "ok");
  CAF_CHECK_EQUAL(code(who().consume(asked("ticket", old))), "token_invalid");
}

CAF_TEST(a full table of sessions forgets the oldest one) {
  auth_limits limits;
  limits.max_sessions = 5;
  who(limits);
  std::vector<std::string> all;
  for (int i = 0; i < 12; ++i)
    all.push_back(session());
  for (std::size_t i = 0; i < all.size(); ++i)
    CAF_CHECK_EQUAL(who().identify(plain({{"Cookie", all[i]}}), false).has_value(), i >= 7);
}

CAF_TEST(too many addresses push out the one that was wrong longest ago) {
  auth_limits limits;
  limits.max_addresses = 3;
  limits.failures_per_minute = 1;
  who(limits);
  auto wrong = [&](const char* address) {
    now += 1s;
    return code(who().identify(from(bearer("wrong"), address), false));
  };
  CAF_CHECK_EQUAL(wrong("127.0.0.1"), "token_invalid");
  CAF_CHECK_EQUAL(wrong("127.0.0.2"), "token_invalid");
  CAF_CHECK_EQUAL(wrong("127.0.0.3"), "token_invalid");
  CAF_CHECK_EQUAL(wrong("127.0.0.4"), "token_invalid");     // pushes .1 out
  CAF_CHECK_EQUAL(wrong("127.0.0.3"), "too_many_requests"); // still known
  CAF_CHECK_EQUAL(wrong("127.0.0.1"), "token_invalid");
}

CAF_TEST(a cookie is found among others and only by its whole name) {
  CAF_CHECK_EQUAL(cookie_value("holt_session=x", "holt_session"), "x");
  CAF_CHECK_EQUAL(cookie_value("a=1; holt_session=x; b=2", "holt_session"), "x");
  CAF_CHECK_EQUAL(cookie_value("a=1;holt_session=x=y", "holt_session"), "x=y");
  CAF_CHECK_EQUAL(cookie_value("xholt_session=1; holt_sessionx=2", "holt_session"), "");
  CAF_CHECK_EQUAL(cookie_value("holt_session", "holt_session"), "");
  CAF_CHECK_EQUAL(cookie_value("holt_session=", "holt_session"), "");
  CAF_CHECK_EQUAL(cookie_value(";;; ; =", "holt_session"), "");
  CAF_CHECK_EQUAL(cookie_value("", "holt_session"), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
