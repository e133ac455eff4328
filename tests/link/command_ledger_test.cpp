// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE command_ledger

#include "tests/link/ledger_fixture.hpp"

// docs/protocol-sbx1.md, section 5, sentence by sentence.

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

namespace {

constexpr const char* answer = R"({"type":"result","id":"1","ok":true})";
constexpr const char* answer_dup = R"(again {"type":"result","id":"1","ok":true,"dup":true})";

command with_ack(command what) {
  what.ack = true;
  return what;
}

} // namespace

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

CAF_TEST(dup joins the stored bytes at their end) {
  CAF_CHECK_EQUAL(with_dup(R"({"a":{"b":1}})"), R"({"a":{"b":1},"dup":true})");
  CAF_CHECK_EQUAL(with_dup(" { } \n"), " { \"dup\":true} \n");
  CAF_CHECK_EQUAL(with_dup("damaged"), "damaged");
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

CAF_TEST(resume goes page by page and ends) {
  resume_walk walk{"a", 5, {2, 100}};
  auto page = [](std::initializer_list<std::uint64_t> positions) {
    std::vector<journal_row> out;
    for (auto p : positions) {
      out.emplace_back();
      out.back().done = true;
      out.back().rseq = p;
      out.back().result = "{\"rseq\":" + std::to_string(p) + "}";
    }
    return out;
  };
  auto sent = walk.rows(page({6, 8}), 1'000);
  CAF_REQUIRE_EQUAL(sent.size(), 2u);
  CAF_CHECK_EQUAL(*sent[0], R"({"rseq":6,"dup":true})");
  CAF_CHECK_EQUAL(walk.after(), 8u);
  CAF_CHECK_EQUAL(walk.next_at(), 1'100);
  CAF_CHECK(!walk.finished());
  CAF_CHECK_EQUAL(walk.rows(page({9}), 1'100).size(), 1u);
  CAF_CHECK(walk.finished());
  CAF_CHECK_EQUAL(walk.sent(), 3u);
  resume_walk stuck{"a", 5, {2, 100}};
  CAF_CHECK(stuck.rows(page({4, 5}), 0).empty());
  CAF_CHECK(stuck.finished());
}
