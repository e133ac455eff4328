// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the ledger's tests share: commands and facts in few words.

#include "link/command_ledger.hpp"

#include "check.hpp"

#include <caf/all.hpp>

namespace holt::link::test {

inline constexpr wall_ms second = 1'000;
inline constexpr wall_ms start = 1'000'000'000'000; ///< some day in 2001

inline ledger_identity me(std::string sandbox = "sandbox-a", wall_ms since = 1'000) {
  return {"main", std::move(sandbox), since, start};
}

inline command make_command(command_kind kind, std::string id,
                            std::string src = std::string{anonymous_scope}) {
  command out;
  out.kind = kind;
  out.id = std::move(id);
  out.src = std::move(src);
  out.body = {{"type", to_string(kind)}, {"id", out.id}};
  return out;
}

inline command exec(std::string id, std::string src = std::string{anonymous_scope}) {
  return make_command(command_kind::shell_exec, std::move(id), std::move(src));
}

inline command read(std::string id, std::string src = std::string{anonymous_scope}) {
  return make_command(command_kind::fs_read, std::move(id), std::move(src));
}

inline command with_ack(command what) {
  what.ack = true;
  return what;
}

inline shared_text text(std::string what) {
  return std::make_shared<const std::string>(std::move(what));
}

/// A decision in a word, for comparison: `new`, `look`, `ack running`, `again {…}`, `ignored …`, an
/// error's word.
inline std::string said(const decision& d) {
  struct {
    std::string operator()(const ignore_it& x) { return "ignored " + std::string{x.why}; }
    std::string operator()(const look_up&) { return "look"; }
    std::string operator()(const execute_it&) { return "new"; }
    std::string operator()(const acknowledge& x) {
      return (x.send ? "ack " : "silent ") + std::string{to_string(x.phase)};
    }
    std::string operator()(const send_again& x) { return "again " + *x.text; }
    std::string operator()(const refuse_it& x) { return std::string{info(x.why.code).wire}; }
  } word;
  return std::visit(word, d);
}

inline command_number number_of(const decision& d) {
  if (const auto* l = std::get_if<look_up>(&d))
    return l->number;
  if (const auto* e = std::get_if<execute_it>(&d))
    return e->number;
  return 0;
}

/// What the ledger sends after a join to a port that takes everything.
inline std::vector<shared_text> joined(command_ledger& book, wall_ms now) {
  std::vector<shared_text> out;
  book.link_up([&](const shared_text& one) { return out.push_back(one), true; }, now);
  return out;
}

inline std::vector<shared_text> take_unsent(command_ledger& book, wall_ms now) {
  std::vector<shared_text> out;
  book.send_unsent([&](const shared_text& one) { return out.push_back(one), true; }, now);
  return out;
}

/// A ledger with a journal of its own in memory: what stands above it, in ten lines.
struct desk {
  command_ledger book;
  std::map<journal_key, journal_row> journal;
  std::uint64_t rseq = 0;
  wall_ms now = start;

  explicit desk(ledger_limits limits = {}, wall_ms silent_since = start - 3'600 * second)
    : book(me(), silent_since, limits) {
    joined(book, now);
    now += 60 * second;
  }

  /// Comes, is looked up when the ledger wants it, and is received when it is new.
  decision arrive(const command& what, std::string fingerprint = "f", bool same_signature = false) {
    auto d = book.arrived(what, fingerprint, now, same_signature);
    if (const auto* l = std::get_if<look_up>(&d)) {
      auto row = journal.find(l->key);
      d = book.looked_up(l->number,
                         row == journal.end() ? std::nullopt : std::optional{row->second}, now);
    }
    if (auto n = number_of(d); n != 0 && book.find(n)->effect) {
      auto& row = journal[book.find(n)->key];
      row = {};
      row.key = book.find(n)->key;
      row.fingerprint = fingerprint;
      row.received_at = now;
    }
    return d;
  }

  void finish(command_number n, std::string what) {
    const auto* open = book.find(n);
    if (open->effect) {
      auto& row = journal.at(open->key);
      row.done = true;
      row.result = what;
      row.rseq = ++rseq;
      row.done_at = now;
    }
    book.finished(n, text(std::move(what)), now);
  }

  /// Comes and is answered.
  void through(const command& what, std::string answer, std::string fingerprint = "f") {
    auto d = arrive(what, std::move(fingerprint));
    CAF_REQUIRE(number_of(d) != 0);
    book.running(number_of(d));
    finish(number_of(d), std::move(answer));
  }

  void release(const std::string& src, const std::string& id) {
    book.release(src, {id});
    if (auto row = journal.find(book.key_of(src, id)); row != journal.end() && row->second.done) {
      row->second.released = true;
      row->second.result.clear();
    }
  }

  void link_is_down_for(wall_ms ms) {
    book.link_down(now);
    now += ms;
    joined(book, now);
  }
};

/// A result as it is stored, and what said() tells when it is sent again.
inline constexpr const char* answer = R"({"type":"result","id":"1","ok":true})";
inline constexpr const char* answer_dup
  = R"(again {"type":"result","id":"1","ok":true,"dup":true})";

} // namespace holt::link::test
