// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE session_owner

#include "tests/link/ledger_fixture.hpp"

// docs/protocol-sbx1.md, section 5, rule 6.

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

CAF_TEST(the older since owns the session) {
  command_ledger book{me("b", 500), start};
  CAF_CHECK(book.owns_session());
  CAF_CHECK(!book.presence_known());
  book.presence({{"b", 500, 1}, {"c", 600, 9}});
  CAF_CHECK(book.owns_session());
  CAF_CHECK(book.presence_known());
  book.presence({{"b", 500, 1}, {"a", 400, 1}, {"c", 600, 9}});
  CAF_CHECK_EQUAL(book.other_owner().value_or(""), "a");
  book.presence({{"b", 500, 1}, {"a", 500, 1}}); // of the same age: the lesser id
  CAF_CHECK_EQUAL(book.other_owner().value_or(""), "a");
  book.presence({{"b", 500, 1}, {"c", 500, 1}});
  CAF_CHECK(book.owns_session());
  book.presence({});
  CAF_CHECK(book.owns_session());
}

CAF_TEST(a ghost of my own never outranks me and of others the newest boot speaks) {
  command_ledger book{me("b", 500), start};
  book.presence({{"b", 100, 99}, {"b", 500, 1}});
  CAF_CHECK(book.owns_session());
  book.presence({{"a", 100, 1}, {"a", 900, 2}});
  CAF_CHECK(book.owns_session());
  book.presence({{"a", 100, 2}, {"a", 900, 1}});
  CAF_CHECK(!book.owns_session());
}

CAF_TEST(who does not own the session is silent unless named) {
  desk d;
  d.book.presence({{"older", 1, 1}});
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), "ignored not_owner");
  CAF_CHECK_EQUAL(said(d.arrive(make_command(command_kind::query, "2", "a"))), "ignored not_owner");
  auto named = exec("1", "a");
  named.to = "sandbox-a";
  CAF_CHECK_EQUAL(said(d.arrive(named)), "new");
  named.to = "older";
  CAF_CHECK_EQUAL(said(d.arrive(named)), "ignored other_sandbox");
  d.book.presence({});
  CAF_CHECK_EQUAL(said(d.arrive(named)), "ignored other_sandbox");
  CAF_CHECK_EQUAL(said(d.arrive(exec("2", "a"))), "new");
}

CAF_TEST(metas that are no sandbox say nothing) {
  using nlohmann::json;
  for (const char* other :
       {R"(1)", R"({})", R"({"role":"agent","id":"a","since":1})", R"({"role":"sandbox","id":"a"})",
        R"({"role":"sandbox","id":7,"since":1})", R"({"role":"sandbox","id":"","since":1})",
        R"({"role":"sandbox","id":"a","since":"1"})", R"({"role":"sandbox","id":"a","since":-1})",
        R"({"role":"sandbox","id":"a","since":18446744073709551615})"})
    CAF_CHECK(!sandbox_presence_of(json::parse(other)).has_value());
  auto p = sandbox_presence_of(
    json::parse(R"({"role":"sandbox","id":"a","since":5,"boot":7,"phx_ref":"x"})"));
  CAF_REQUIRE(p.has_value());
  CAF_CHECK_EQUAL(p->id, "a");
  CAF_CHECK_EQUAL(p->since, 5);
  CAF_CHECK_EQUAL(p->boot, 7);
}
