// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE ledger_outage

#include "tests/link/ledger_fixture.hpp"

// docs/protocol-sbx1.md, section 5, rules 3 and 5: what may not have arrived is given again to who
// repeats, and sent again after a rejoin.

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

CAF_TEST(an answer that was sent while the link was down is given again) {
  desk d;
  auto n = number_of(d.arrive(exec("1")));
  d.book.link_down(d.now);
  d.now += 2 * second;
  d.finish(n, answer);
  d.now += 60 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), answer_dup);
  joined(d.book, d.now);
  d.now += 60 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), answer_dup);
}

CAF_TEST(an answer shortly before the link went down may be lost too) {
  desk d;
  d.through(exec("1"), answer);
  d.now += 4 * second;
  d.link_is_down_for(30 * second);
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), answer_dup);
  desk heard;
  heard.through(exec("1"), answer);
  heard.now += 6 * second; // bytes came from the other side all the while
  heard.link_is_down_for(30 * second);
  CAF_CHECK_EQUAL(said(heard.arrive(exec("1"))), "new");
}

CAF_TEST(an answer that nobody heard is given again) {
  desk d;
  auto n = number_of(d.arrive(exec("1")));
  d.book.listeners(false, d.now);
  d.now += second;
  d.finish(n, answer);
  d.now += 20 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), answer_dup);
  d.book.listeners(true, d.now);
  d.now += 20 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), answer_dup);
  // Whoever leaves after its answer has heard it: its next run is not served the last one's.
  d.through(exec("2"), answer);
  d.now += 10;
  d.book.listeners(false, d.now);
  d.now += 20 * second;
  d.book.listeners(true, d.now);
  CAF_CHECK_EQUAL(said(d.arrive(exec("2"))), "new");
}

CAF_TEST(an agent that is started again is never served the answer of yesterday) {
  for (bool down : {false, true}) {
    desk d;
    auto n = number_of(d.arrive(exec("1")));
    down ? d.book.link_down(d.now) : d.book.listeners(false, d.now);
    d.finish(n, answer);
    d.now += 24 * 3'600 * second;
    down ? (void)joined(d.book, d.now) : d.book.listeners(true, d.now);
    CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), "new");
  }
}

CAF_TEST(what a former life answered just before its end is given again) {
  desk former;
  former.through(exec("1"), answer);
  former.now += 100 * second;
  former.through(exec("2"), answer);
  desk d({}, former.now); // last seen alive then
  d.journal = former.journal;
  d.now = former.now + 30 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("2"))), answer_dup);
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), "new");
}

CAF_TEST(after a rejoin what may be lost is sent again once) {
  desk d;
  d.through(exec("old", "a"), "{old}");
  d.now += 8 * second;
  d.through(exec("before"), "{before}");
  d.through(exec("released", "a"), "{released}");
  d.now += 4 * second;
  d.book.link_down(d.now);
  d.now += second;
  d.through(read("during"), "{during}");
  d.book.release("a", {"released"});
  d.now += second;
  auto sent = joined(d.book, d.now);
  CAF_REQUIRE_EQUAL(sent.size(), 2u);
  CAF_CHECK_EQUAL(*sent[0], "{before}");
  CAF_CHECK_EQUAL(*sent[1], "{during}");
  // Once a rejoin: a later outage is about what was sent in it.
  d.now += 10 * second;
  d.book.link_down(d.now);
  CAF_CHECK(joined(d.book, d.now + second).empty());
}

CAF_TEST(what was sent again into a link that broke at once is sent again) {
  desk d;
  d.book.link_down(d.now);
  d.through(read("1"), "{}");
  d.now += 10 * second;
  CAF_CHECK_EQUAL(joined(d.book, d.now).size(), 1u);
  d.book.link_down(d.now);
  d.now += 10 * second;
  CAF_CHECK_EQUAL(joined(d.book, d.now).size(), 1u);
  d.book.link_down(d.now);
  d.now += 60 * second;
  CAF_CHECK_EQUAL(joined(d.book, d.now).size(), 0u);
}

CAF_TEST(older than a minute is not sent again) {
  desk d;
  d.book.link_down(d.now);
  d.through(exec("1"), "{1}");
  d.now += 59 * second;
  d.through(exec("2"), "{2}");
  d.now += 2 * second;
  auto sent = joined(d.book, d.now);
  CAF_REQUIRE_EQUAL(sent.size(), 1u);
  CAF_CHECK_EQUAL(*sent[0], "{2}");
}

CAF_TEST(an answer whose id has a new command is not sent again) {
  desk d;
  d.through(exec("1"), "{first}");
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"), "g")), "new");
  d.link_is_down_for(second);
  CAF_CHECK(joined(d.book, d.now).empty());
  CAF_CHECK(d.book.query("anon", {"1"})[0].phase == command_phase::queued);
}

CAF_TEST(the first join after a crash sends what the crash swallowed) {
  desk d({}, start - 10 * second);
  command_ledger book{me(), start - 10 * second};
  std::vector<journal_row> rows(3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].key = book.key_of("a", std::to_string(i));
    rows[i].done = true;
    rows[i].result = "{" + std::to_string(i) + "}";
  }
  rows[0].done_at = start - 20 * second; // five seconds before the end: arrived
  rows[1].done_at = start - 12 * second;
  rows[2].done_at = start; // settled at the start
  book.restore(rows);
  auto sent = joined(book, start + second);
  CAF_REQUIRE_EQUAL(sent.size(), 2u);
  CAF_CHECK_EQUAL(*sent[0], "{1}");
  CAF_CHECK_EQUAL(*sent[1], "{2}");
}

CAF_TEST(what the port did not take is sent later) {
  desk d;
  d.through(exec("1", "a"), "{1}");
  d.through(exec("2", "a"), "{2}");
  CAF_CHECK(take_unsent(d.book, d.now).empty());
  d.book.not_sent(d.book.key_of("a", "2"), d.now);
  d.book.send_unsent([](const shared_text&) { return false; }, d.now);
  CAF_CHECK(d.book.has_unsent());
  d.book.not_sent(d.book.key_of("a", "2"), d.now);
  auto sent = take_unsent(d.book, d.now);
  CAF_REQUIRE_EQUAL(sent.size(), 1u);
  CAF_CHECK_EQUAL(*sent[0], "{2}");
  CAF_CHECK(take_unsent(d.book, d.now).empty());
  d.book.not_sent(d.book.key_of("a", "1"), d.now);
  d.book.release("a", {"1"});
  CAF_CHECK(take_unsent(d.book, d.now).empty());
}
