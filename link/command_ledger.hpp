// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's book of commands of one session: which are known, which run, which were answered.
// Decides what a command that came is: new, a duplicate, a conflict, not for us. The rules of
// docs/protocol-sbx1.md, section 5, and nothing else: no clock, no journal, no socket. Owned by
// actors/commands, one per link; takes facts and gives decisions.
//
//   arrived() -> look_up -> (journal find) -> looked_up() -> execute
//     -> queue full:  refused()                    (remembered in memory, so that a repeat hears
//     the same)
//     -> (journal received) -> running() -> (effect) -> (journal done) -> finished() -> send
//
// Where one visit to the journal should do: judge() is pure and may run there, with a copy of
// history().

#include "link/answer_memory.hpp"
#include "link/link_history.hpp"
#include "link/session_owner.hpp"
#include "messages/command.hpp"

#include <functional>
#include <map>
#include <optional>
#include <variant>

namespace holt::link {

struct ledger_identity {
  std::string session;
  std::string sandbox; ///< id of this sandbox; outlives the daemon
  wall_ms since = 0;   ///< when the id was made; outlives the daemon
  wall_ms boot = 0;    ///< start of this daemon
};

struct ledger_limits {
  history_limits history;
  std::size_t max_open = 1'024;          ///< commands that wait, run or are looked up
  std::size_t recent_entries = 8'192;    ///< answers remembered in memory
  std::size_t recent_bytes = 8ull << 20; ///< bytes of their texts
};

/// Number of a command in this daemon: for queue, feed and workers.
using command_number = std::uint64_t;

enum class command_phase : std::uint8_t { looking, queued, running, done, unknown };
/// `queued`, `running`, `done`, `unknown`; looking is `queued`.
std::string_view to_string(command_phase) noexcept;

// -- decisions

/// Not for us: no answer at all.
struct ignore_it {
  std::string_view why; ///< `other_sandbox`, `not_owner`, `released`; for the counter
};
/// Ask the journal for this key, then call looked_up(number, row).
struct look_up {
  command_number number;
  journal_key key;
};
/// New: run it. Control commands have number 0 and are not in the book.
struct execute_it {
  command_number number;
};
/// It waits or runs already: send the ack if `send` (somebody asked for acks), nothing else.
struct acknowledge {
  command_phase phase;
  bool send;
};
/// It was answered: send this (the stored bytes with `dup:true`).
struct send_again {
  shared_text text;
};
/// id_conflict, expired, busy, token_invalid (a replayed signature of something not known any
/// more).
struct refuse_it {
  error why;
};
using decision = std::variant<ignore_it, look_up, execute_it, acknowledge, send_again, refuse_it>;

/// What a row of the journal (found with released ones) means for a command of the same key.
enum class repeat : std::uint8_t { is_new, is_done, is_open, is_conflict, is_stray };
repeat judge(const command& what, std::string_view fingerprint, const journal_row& row,
             const link_history& history, wall_ms now);

/// A command that is in the book and has no answer yet.
struct open_command {
  command_number number = 0;
  journal_key key;
  std::string fingerprint;
  command_phase phase = command_phase::looking;
  command_kind kind = command_kind::fs_read;
  bool effect = false; ///< journaled
  bool wants_ack = false;
  bool replayed_signature = false;
  std::optional<std::int64_t> deadline_ms;
};

class command_ledger {
public:
  /// False: the port did not take it.
  using sender = std::function<bool(const shared_text&)>;

  /// `silent_since`: journal_store::last_activity() at the start, or `now` for a new journal.
  command_ledger(ledger_identity me, wall_ms silent_since, ledger_limits limits = {});

  // -- facts about the link

  /// Joined. Sends again once, in order, what may not have arrived (rule 5). What is refused is
  /// unsent.
  void link_up(const sender& send, wall_ms now);
  void link_down(wall_ms since);
  void listeners(bool somebody, wall_ms now);
  /// All metas of role sandbox, own included.
  void presence(const std::vector<sandbox_presence>& all);
  /// Rule 6. True before presence is known.
  bool owns_session() const noexcept { return !owner_; }
  /// Id of the sandbox that owns the session instead of us.
  std::optional<std::string> other_owner() const { return owner_; }
  /// Since link_up(): whoever wants to be sure keeps what comes until then, at most a second.
  bool presence_known() const noexcept { return presence_known_; }

  // -- a command comes

  /// `same_signature`: command_auth has seen exactly this signature before: never something new.
  decision arrived(const command& what, std::string fingerprint, wall_ms now,
                   bool same_signature = false);
  /// The answer to look_up. execute_it, send_again, acknowledge or refuse_it.
  decision looked_up(command_number number, const std::optional<journal_row>& row, wall_ms now);
  /// Instead of looked_up(), where judge() and RECEIVED were one visit to the journal: it runs.
  decision received(command_number number);
  /// Drops an open command without an answer (the journal could not be asked).
  void forget(command_number number);

  // -- it goes on

  void running(command_number number);
  /// Its answer stands: in the journal, if it has an effect. Afterwards it may be sent.
  void finished(command_number number, shared_text text, wall_ms now);
  /// The answer is final but nothing was journaled (busy, no_space): remembered in memory.
  void refused(command_number number, shared_text text, wall_ms now);
  /// The same for one that is not in the book: refuse_it with busy or expired.
  void refused(const command& what, std::string fingerprint, shared_text text, wall_ms now);
  /// The port did not take an answer that was finished: it is sent again after the next join, or
  /// by send_unsent().
  void not_sent(const journal_key& key, wall_ms now);
  /// Answers that the port did not take, in order, until it refuses one: that and the rest stay.
  void send_unsent(const sender& send, wall_ms now);
  bool has_unsent() const noexcept { return answers_.has_unsent(); }

  // -- about commands

  const open_command* find(command_number number) const;
  const open_command* find(std::string_view src, std::string_view id) const;
  std::size_t open_count() const noexcept { return open_.size(); }
  journal_key key_of(std::string_view src, std::string_view id) const;

  struct queried {
    std::string id;
    command_phase phase = command_phase::unknown;
    shared_text text;     ///< done and remembered: to be sent again, with dup
    bool look_up = false; ///< not in memory: the journal may know
  };
  /// `query`: of each id, once, in order.
  std::vector<queried> query(std::string_view src, const std::vector<std::string>& ids) const;
  /// `release`: forgets the answers here; the journal's rows are the caller's to release. A copy of
  /// such a command that the network still holds is ignored when it comes soon.
  void release(std::string_view src, const std::vector<std::string>& ids);
  /// Results of a former life that its crash may have swallowed (journal_store::finished_since),
  /// and those settled at the start, before the first link_up.
  void restore(const std::vector<journal_row>& rows);

  const link_history& history() const noexcept { return history_; }
  const ledger_identity& me() const noexcept { return me_; }

private:
  decision admit(const command& what, const std::string& fingerprint, wall_ms now,
                 bool known_to_be_new, bool same_signature);
  void lost(answered& which, wall_ms now);

  ledger_identity me_;
  std::size_t max_open_;
  link_history history_;
  std::optional<std::string> owner_;
  bool presence_known_ = false;
  command_number last_number_ = 0;
  std::map<command_number, open_command> open_;
  std::map<journal_key, command_number> open_by_key_;
  answer_memory answers_;
};

} // namespace holt::link
