// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE ledger_random

#include "tests/link/ledger_fixture.hpp"

#include "tests/link/journal_fixture.hpp"

#include <optional>
#include <set>

// Random histories of commands, copies, outages, releases and crashes, judged by a model that knows
// only what happened, not how the ledger remembers it.

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

namespace {

struct ordeal {
  std::mt19937_64 chance;
  desk d;
  const char* broken = nullptr;

  /// What happened under one key, by the promises of section 5.
  struct past {
    std::string fingerprint;
    bool effect = false;
    bool open = false;
    std::string answer; ///< empty: none yet
    wall_ms finished_at = 0;
    wall_ms released_at = -1; ///< -1: not released
    bool link_was_up = true;  ///< when it was finished, and somebody listened
  };
  std::map<journal_key, past> model;
  std::map<command_number, journal_key> running;
  bool up = true;
  bool listened = true;
  wall_ms down_since = 0;
  std::uint64_t answers = 0;

  explicit ordeal(std::uint64_t seed) : chance(seed) {}

  std::uint64_t pick(std::uint64_t n) { return chance() % n; }
  void must(bool holds, const char* promise) {
    if (!holds && !broken)
      broken = promise;
  }

  command random_command() {
    static constexpr const char* sources[] = {"anon", "a", "b"};
    auto kind = pick(3) == 0 ? command_kind::fs_read : command_kind::shell_exec;
    return make_command(kind, std::to_string(pick(6)), sources[pick(3)]);
  }

  void arrive() {
    const auto what = random_command();
    const auto fingerprint = std::string{to_string(what.kind)} + (pick(5) == 0 ? "2" : "1");
    const auto key = d.book.key_of(what.src, what.id);
    const auto before = model.find(key);
    const auto decision = d.arrive(what, fingerprint);
    if (before == model.end()) {
      must(number_of(decision) != 0, "what never came is new");
    } else {
      judge_repeat(what, fingerprint, before->second, decision);
    }
    if (auto n = number_of(decision); n != 0) {
      model[key] = past{fingerprint, has_effect(what), true, {}, 0, -1, true};
      running[n] = key;
    }
  }

  void judge_repeat(const command& what, const std::string& fingerprint, const past& p,
                    const decision& got) {
    const bool equal = p.fingerprint == fingerprint;
    const bool is_new = number_of(got) != 0;
    const bool effect = has_effect(what);
    if (p.open) {
      must(!is_new, "what runs is not begun again");
      must(std::holds_alternative<acknowledge>(got) == equal, "what runs is acknowledged");
      return;
    }
    if (const auto* again = std::get_if<send_again>(&got)) {
      must(equal, "no answer of another command");
      must(*again->text == with_dup(p.answer), "the stored bytes, with dup");
      must(p.released_at < 0, "nothing released is sent again");
    }
    const auto age = d.now - p.finished_at;
    if (p.released_at >= 0) {
      if (equal && effect && !what.anonymous() && d.now - p.finished_at < 60 * second)
        must(!is_new, "a stray copy begins nothing");
      if (!equal)
        must(is_new, "a released id is free for others");
      return;
    }
    if (what.anonymous()) {
      if (!equal)
        must(is_new, "a simple agent's other command is new");
      if (equal && effect && age < 5 * second)
        must(!is_new, "a quick repeat begins nothing");
      if (equal && effect && !p.link_was_up && age < 15 * 60 * second)
        must(!is_new, "what nobody heard is not done twice");
      if (equal && age > 15 * 60 * second)
        must(is_new, "nothing old is served");
    } else if (equal && effect) {
      must(std::holds_alternative<send_again>(got), "what is done is answered, not done again");
    } else if (!equal && (effect || p.effect) && !is_new) {
      must(std::holds_alternative<refuse_it>(got), "another command under the id is a conflict");
    }
    if (!equal && effect && p.effect && !what.anonymous())
      must(!is_new, "an id is not used for two effects");
  }

  void finish() {
    if (running.empty())
      return;
    auto i = std::next(running.begin(), static_cast<long>(pick(running.size())));
    const auto [n, key] = *i;
    running.erase(i);
    auto& p = model.at(key);
    p.open = false;
    p.answer = "{\"n\":" + std::to_string(++answers) + "}";
    p.finished_at = d.now;
    p.link_was_up = up && listened;
    if (pick(10) == 0 && p.effect) { // not journaled: busy
      d.journal.erase(key);
      d.book.refused(n, text(p.answer), d.now);
    } else {
      d.finish(n, p.answer);
    }
  }

  void release() {
    if (model.empty())
      return;
    auto i = std::next(model.begin(), static_cast<long>(pick(model.size())));
    if (i->second.open)
      return;
    d.release(i->first.src, i->first.id);
    if (i->second.released_at < 0)
      i->second.released_at = d.now;
  }

  void link_changes() {
    if (pick(2) == 0) {
      listened = !listened;
      d.book.listeners(listened, d.now);
    } else if (up) {
      up = false;
      down_since = d.now;
      d.book.link_down(d.now);
    } else {
      up = true;
      const auto sent = joined(d.book, d.now);
      std::multiset<std::string> texts;
      for (const auto& t : sent)
        texts.insert(*t);
      for (const auto& [key, p] : model) {
        const bool there = texts.count(p.answer) == 1 && !p.answer.empty();
        if (!there)
          must(p.open || p.released_at >= 0 || p.finished_at < down_since - 5 * second
                 || d.now - p.finished_at >= 60 * second,
               "what an outage swallowed is sent again");
        else
          must(!p.open && p.released_at < 0 && d.now - p.finished_at < 60 * second,
               "only young answers nobody released are sent again");
        texts.erase(p.answer);
      }
      must(texts.empty(), "nothing unknown is sent");
    }
  }

  /// kill -9 and a new start: what was not journaled is gone, what was open with an effect is
  /// settled as interrupted.
  void crash() {
    running.clear();
    std::map<journal_key, past> known;
    for (auto& [key, row] : d.journal) {
      if (!row.done) {
        row.done = true;
        row.result = "{\"n\":" + std::to_string(++answers) + "}";
        row.done_at = d.now;
      }
      const bool old = row.done_at < d.now - 5 * second;
      known[key] = past{row.fingerprint,
                        true,
                        false,
                        row.result,
                        row.done_at,
                        row.released ? row.done_at : -1,
                        old};
    }
    // Reads, refusals and former outages are not remembered beyond a life; its end is an outage of
    // its own.
    model = std::move(known);
    const auto alive_until = d.now;
    d.now += static_cast<wall_ms>(pick(3'000));
    command_ledger fresh{me(), alive_until};
    std::vector<journal_row> rows;
    for (const auto& [key, row] : d.journal)
      if (row.done && !row.released && row.done_at >= alive_until - 5 * second)
        rows.push_back(row);
    fresh.restore(rows);
    d.book = std::move(fresh);
    up = false;
    listened = true;
    down_since = alive_until;
  }

  void once() {
    d.now += static_cast<wall_ms>(pick(20) == 0 ? pick(400'000) : pick(1'500));
    const auto what = pick(40);
    if (what < 18)
      arrive();
    else if (what < 30)
      finish();
    else if (what < 34)
      release();
    else if (what < 39)
      link_changes();
    else if (pick(4) == 0)
      crash();
  }
};

} // namespace

CAF_TEST(random histories keep every promise) {
  const auto seed = test_seed();
  const std::uint64_t histories = std::getenv("HOLT_TEST_FAST") ? 100 : 1'000;
  std::uint64_t steps = 0;
  for (std::uint64_t n = 0; n < histories; ++n) {
    ordeal o{seed + n};
    for (int i = 0; i < 500 && !o.broken; ++i, ++steps)
      o.once();
    if (o.broken)
      CAF_FAIL("history " << n << " of seed " << seed << ": " << o.broken);
  }
  CAF_MESSAGE(steps << " steps");
}
