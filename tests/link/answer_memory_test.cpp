// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE answer_memory

#include "tests/link/ledger_fixture.hpp"

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

CAF_TEST(memory is bounded and what is short stays longer) {
  ledger_limits limits;
  limits.recent_entries = 100;
  limits.recent_bytes = 10'000;
  limits.max_open = 50;
  desk d{limits};
  d.book.refused(exec("refused", "a"), "f", text(answer), d.now);
  for (int i = 0; i < 60; ++i)
    d.through(exec(std::to_string(i), "a"), "{\"x\":\"" + std::string(1'000, 'x') + "\"}");
  CAF_CHECK(d.book.query("a", {"0"})[0].look_up);
  CAF_CHECK(!d.book.query("a", {"59"})[0].look_up);
  CAF_CHECK_EQUAL(said(d.arrive(exec("0", "a"), "g")), "id_conflict");
  CAF_CHECK(said(d.arrive(exec("0", "a"))).starts_with("again"));
  CAF_CHECK_EQUAL(said(d.arrive(exec("refused", "a"))), answer_dup);
  for (int i = 0; i < 50; ++i)
    d.arrive(read("read" + std::to_string(i), "a"));
  CAF_CHECK_EQUAL(d.book.open_count(), 50u);
  CAF_CHECK_EQUAL(said(d.arrive(exec("one more", "a"))), "busy");
}

CAF_TEST(dup joins the stored bytes at their end) {
  CAF_CHECK_EQUAL(with_dup(R"({"a":{"b":1}})"), R"({"a":{"b":1},"dup":true})");
  CAF_CHECK_EQUAL(with_dup(" { } \n"), " { \"dup\":true} \n");
  CAF_CHECK_EQUAL(with_dup("damaged"), "damaged");
}

CAF_TEST(what the port did not take is counted until it is sent or released or gone) {
  answer_memory memory{3, 1'000};
  const auto key = [](int i) { return journal_key{"main", "a", std::to_string(i)}; };
  const auto remember = [&](int i, std::size_t bytes) {
    answered what;
    what.key = key(i);
    what.text = text(std::string(bytes, 'x'));
    memory.remember(std::move(what));
  };
  const auto miss = [&](int i) {
    memory.not_sent(*memory.find(key(i)), start);
    CAF_CHECK(memory.has_unsent());
  };
  remember(1, 10);
  miss(1);
  miss(1); // again: it is one all the same
  memory.sent(*memory.find(key(1)), start);
  CAF_CHECK(!memory.has_unsent());
  miss(1);
  memory.release(*memory.find(key(1)));
  CAF_CHECK(!memory.has_unsent());
  remember(2, 10);
  miss(2);
  remember(2, 10); // a new one under its key
  CAF_CHECK(!memory.has_unsent());
  remember(3, 900);
  miss(3);
  remember(4, 900); // its text went; the first entry, too
  CAF_CHECK(!memory.has_unsent());
  CAF_CHECK(memory.find(key(1)) == nullptr);
  CAF_REQUIRE(memory.find(key(3)) != nullptr);
  CAF_CHECK(memory.find(key(3))->text == nullptr);
  miss(2);
  memory.forget(key(2));
  CAF_CHECK(!memory.has_unsent());
}
