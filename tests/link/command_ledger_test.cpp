// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE command_ledger

#include "tests/link/ledger_fixture.hpp"

// docs/protocol-sbx1.md, section 5, sentence by sentence.

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

CAF_TEST(the key is session and src and id) {
  desk d;
  d.through(exec("1", "a"), answer);
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), answer_dup);
  CAF_CHECK_EQUAL(said(d.arrive(exec("2", "a"))), "new");
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "b"))), "new");
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), "new");
  CAF_CHECK_EQUAL(d.book.key_of("a", "1").session, "main");
}

CAF_TEST(effects ask the journal and reads run again) {
  desk d;
  CAF_CHECK_EQUAL(said(d.book.arrived(exec("1", "a"), "f", d.now)), "look");
  CAF_CHECK_EQUAL(said(d.book.arrived(read("2", "a"), "f", d.now)), "new");
  desk e;
  e.through(read("1", "a"), answer);
  CAF_CHECK_EQUAL(said(e.arrive(read("1", "a"))), "new");
}

CAF_TEST(what waits or runs is acknowledged again and nothing else) {
  desk d;
  auto n = number_of(d.arrive(with_ack(exec("1", "a"))));
  CAF_CHECK_EQUAL(said(d.arrive(with_ack(exec("1", "a")))), "ack queued");
  d.book.running(n);
  CAF_CHECK_EQUAL(said(d.arrive(with_ack(exec("1", "a")))), "ack running");
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), "ack running");
  // Nobody who knows only the original messages hears an ack.
  d.arrive(exec("2"));
  CAF_CHECK_EQUAL(said(d.arrive(exec("2"))), "silent queued");
  CAF_CHECK_EQUAL(said(d.arrive(with_ack(exec("2")))), "ack queued");
  // Also while the journal is asked.
  (void)d.book.arrived(with_ack(exec("3", "a")), "f", d.now);
  CAF_CHECK_EQUAL(said(d.book.arrived(exec("3", "a"), "f", d.now)), "ack queued");
}

CAF_TEST(what is done is sent again with dup from memory and from the journal) {
  desk d;
  d.through(exec("1", "a"), answer);
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), answer_dup);
  desk later;
  later.journal = d.journal;
  later.now = d.now + 23 * 3'600 * second;
  CAF_CHECK_EQUAL(said(later.arrive(exec("1", "a"))), answer_dup);
}

CAF_TEST(the same key with another fingerprint is a conflict with src) {
  desk d;
  d.arrive(exec("1", "a"), "f");
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"), "g")), "id_conflict");
  d.through(exec("2", "a"), answer);
  CAF_CHECK_EQUAL(said(d.arrive(exec("2", "a"), "g")), "id_conflict");
  d.through(read("3", "a"), answer);
  CAF_CHECK_EQUAL(said(d.arrive(exec("3", "a"), "g")), "id_conflict");
  desk later; // remembered by the journal
  later.journal = d.journal;
  CAF_CHECK_EQUAL(said(later.arrive(exec("2", "a"), "g")), "id_conflict");
  CAF_CHECK_EQUAL(said(later.arrive(exec("1", "a"), "g")), "id_conflict");
}

CAF_TEST(a release frees the id) {
  desk d;
  d.through(exec("1", "a"), answer);
  d.book.release("b", {"1"});
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), answer_dup);
  d.book.release("a", {"1", "none"});
  d.journal.erase(d.book.key_of("a", "1"));
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"), "g")), "new");
  // What has no answer yet is not released.
  d.book.release("a", {"1"});
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"), "g")), "silent queued");
}

CAF_TEST(a copy of a released command that was still on its way does nothing) {
  desk d;
  d.through(exec("1", "a"), answer);
  d.release("a", "1");
  desk later({}, d.now); // a new life knows it from the journal
  later.journal = d.journal;
  later.now = d.now + 58 * second;
  CAF_CHECK_EQUAL(said(later.arrive(exec("1", "a"))), "ignored released");
  CAF_CHECK_EQUAL(said(later.arrive(exec("1", "a"), "g")), "new");
  d.now += 59 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), "ignored released");
  d.link_is_down_for(second / 2);
  CAF_CHECK(joined(d.book, d.now).empty());
  CAF_CHECK(d.book.query("a", {"1"})[0].look_up);
  d.now += 2 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"))), "new");
}

CAF_TEST(a simple agent that repeats within five seconds is answered again) {
  desk d;
  d.through(exec("1"), answer);
  d.now += 5 * second - 1;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), answer_dup);
  d.now += 1;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"))), "new");
}

CAF_TEST(a simple agent with another command under the id gets that) {
  desk d;
  d.through(exec("1"), answer);
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"), "g")), "new");
  // Not while the first runs: two with one name could not be told apart.
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"), "h")), "id_conflict");
}

CAF_TEST(past its deadline on arrival it expires unless it is known) {
  desk d;
  auto late = exec("1", "a");
  late.deadline_ms = d.now - 1;
  CAF_CHECK_EQUAL(said(d.arrive(late)), "expired");
  CAF_CHECK_EQUAL(d.book.open_count(), 0u);
  auto late_read = read("2", "a");
  late_read.deadline_ms = d.now - 1;
  CAF_CHECK_EQUAL(said(d.arrive(late_read)), "expired");
  auto in_time = exec("3", "a");
  in_time.deadline_ms = d.now + 10;
  auto n = number_of(d.arrive(in_time));
  d.now += 20;
  CAF_CHECK_EQUAL(said(d.arrive(in_time)), "silent queued");
  d.finish(n, answer);
  CAF_CHECK_EQUAL(said(d.arrive(in_time)), answer_dup);
}

CAF_TEST(who heard busy hears it again and the command does not run after all) {
  desk d;
  auto n = number_of(d.book.arrived(read("1", "a"), "f", d.now));
  d.book.refused(n, text(answer), d.now);
  CAF_CHECK_EQUAL(said(d.arrive(read("1", "a"))), answer_dup);
  d.book.refused(exec("2", "a"), "f", text(answer), d.now);
  CAF_CHECK_EQUAL(said(d.arrive(exec("2", "a"))), answer_dup);
  CAF_CHECK_EQUAL(said(d.arrive(exec("2", "a"), "g")), "id_conflict");
}

CAF_TEST(a signature that was seen never begins anything with an effect) {
  desk d;
  CAF_CHECK_EQUAL(said(d.arrive(exec("1", "a"), "f", true)), "unauthorized");
  CAF_CHECK_EQUAL(said(d.arrive(exec("1"), "f", true)), "unauthorized");
  CAF_CHECK_EQUAL(d.book.open_count(), 0u);
  CAF_CHECK_EQUAL(said(d.arrive(read("2", "a"), "f", true)), "new");
  auto n = number_of(d.arrive(exec("3", "a")));
  CAF_CHECK_EQUAL(said(d.arrive(exec("3", "a"), "f", true)), "silent queued");
  d.finish(n, answer);
  CAF_CHECK_EQUAL(said(d.arrive(exec("3", "a"), "f", true)), answer_dup);
  d.through(exec("4"), answer);
  d.now += 60 * second;
  CAF_CHECK_EQUAL(said(d.arrive(exec("4"), "f", true)), "unauthorized");
}

CAF_TEST(an unfinished row that nobody runs is acknowledged) {
  desk d;
  journal_row row;
  row.key = d.book.key_of("a", "1");
  row.fingerprint = "f";
  d.journal[row.key] = row;
  CAF_CHECK_EQUAL(said(d.arrive(with_ack(exec("1", "a")))), "ack running");
  CAF_CHECK_EQUAL(d.book.open_count(), 0u);
}

CAF_TEST(a query tells of each id and has the answers) {
  desk d;
  d.through(exec("done", "a"), "{\"x\":1}");
  auto n = number_of(d.arrive(exec("runs", "a")));
  d.book.running(n);
  d.arrive(exec("waits", "a"));
  auto all = d.book.query("a", {"done", "runs", "waits", "never", "runs"});
  CAF_REQUIRE_EQUAL(all.size(), 4u);
  CAF_CHECK(all[0].phase == command_phase::done);
  CAF_CHECK_EQUAL(*all[0].text, R"({"x":1,"dup":true})");
  CAF_CHECK(all[1].phase == command_phase::running);
  CAF_CHECK(all[2].phase == command_phase::queued);
  CAF_CHECK(all[3].look_up);
  CAF_CHECK(all[3].phase == command_phase::unknown);
}

CAF_TEST(control commands are not in the book) {
  desk d;
  for (auto kind : {command_kind::cancel, command_kind::query, command_kind::resume,
                    command_kind::fetch, command_kind::release}) {
    auto got = d.arrive(make_command(kind, "1", "a"));
    CAF_CHECK_EQUAL(said(got), "new");
    CAF_CHECK_EQUAL(number_of(got), 0u);
  }
  CAF_CHECK_EQUAL(d.book.open_count(), 0u);
}

CAF_TEST(what was received in the visit that judged it runs whatever the clock says) {
  desk d;
  auto what = exec("1", "a");
  what.deadline_ms = d.now + second;
  auto number = number_of(d.book.arrived(what, "f", d.now));
  d.now += 2 * second;
  CAF_CHECK_EQUAL(said(d.book.received(number)), "new");
  CAF_CHECK_EQUAL(said(d.book.received(number)), "ignored unknown");
}
