// SPDX-License-Identifier: Apache-2.0
#pragma once

// The state of the actor `commands` and what it does with it. One object for one incarnation of
// the actor, used from its handlers only. The rules are the ledger's, the queue's and the mask's;
// here facts are carried between them, the journal, the workers and the links. Split over
// command_*.cpp by meaning.

#include "actors/batch_worker.hpp"
#include "actors/commands.hpp"
#include "actors/file_watch.hpp"
#include "link/resume_walk.hpp"

#include <chrono>
#include <deque>
#include <list>
#include <unordered_map>

namespace holt {

/// fs.*: by one worker on the pool; the rest of them is not.
constexpr bool is_file_command(command_kind kind) noexcept {
  return kind < command_kind::batch;
}

// -- messages to itself: answers of the journal, timers

struct journal_looked_up {
  std::uint64_t number = 0;
  result<std::optional<link::journal_row>> row;
  bool recorded = false; ///< RECEIVED is written, too: it will run, whatever the clock says now
};
struct journal_recorded {
  std::uint64_t number = 0;
  result<void> got;
  bool planned = false; ///< the plan, else RECEIVED
};
struct journal_stored {
  std::uint64_t number = 0;
  result<std::uint64_t> got; ///< rseq
  link::shared_text text;
};
struct journal_former {
  result<std::vector<link::journal_row>> unfinished;
  std::vector<std::vector<link::journal_row>> finished; ///< by link
  link::wall_ms last_activity = 0;
  std::uint64_t last_rseq = 0;
};
struct journal_page {
  std::size_t link = 0;
  std::uint64_t walk = 0;
  std::vector<link::journal_row> rows;
};
struct journal_found {
  std::size_t link = 0;
  std::string id; ///< of the query
  nlohmann::json states;
  std::vector<link::journal_row> rows; ///< done: to be sent again
};
struct parts_due {};
/// What a full outbox did not take is tried again.
struct unsent_due {};
/// What a former life left on the pool may have ended by now.
struct begin_again {};

struct deadline_due {
  std::uint64_t epoch = 0;
};
struct resume_due {
  std::size_t link = 0;
  std::uint64_t walk = 0;
};
/// Presence did not come within a second of the join: nobody else is there.
struct presence_due {
  std::size_t link = 0;
  std::uint64_t join = 0;
};

class command_desk {
public:
  using self_ptr = caf::event_based_actor*;
  command_desk(self_ptr self, commands_deps deps);
  /// What still runs is ended: the next incarnation will call it interrupted.
  ~command_desk();
  command_desk(const command_desk&) = delete;
  command_desk& operator=(const command_desk&) = delete;

  // command_settle.cpp: what a former life left
  void begin();
  void former(journal_former& what);
  void settled(std::uint64_t number, command_outcome outcome);
  void settled_stored(const journal_stored& what);

  // command_links.cpp
  void opened(const link_opened& what);
  void closed(const link_closed& what);
  void up(const link_up& what);
  void down(const link_down& what);
  void present(const link_present& what);
  void presence_late(const presence_due& what);

  // command_intake.cpp: a message comes
  void heard(link_heard& what);
  void looked_up(journal_looked_up& what);
  void recorded(const journal_recorded& what);

  // command_run.cpp: a command runs
  void planned(fs_planned& what);
  void started(const shell_started& what);
  void progressed(const batch_progress& what);
  void finished(std::uint64_t number, command_outcome outcome);
  void worker_gone(const caf::down_msg& what);
  void deadline(std::uint64_t epoch);

  // command_watch.cpp: changes of files
  void watch_begins(watch_begun& what);
  void changes_due(const watch_due& what);

  // command_answer.cpp: its answer goes out
  void stored(const journal_stored& what);
  void send_parts();
  void send_unsent();

  // command_control.cpp: about other commands
  void resume_page(const journal_page& what);
  void resume_next(const resume_due& what);
  void found(const journal_found& what);

  // command_report.cpp: for people
  nlohmann::json commands_document() const;
  nlohmann::json links_document() const;
  result<void> cancel_by_person(std::uint64_t number);
  void goodbye(std::function<void()> done);

private:
  using clock = std::chrono::steady_clock;

  /// What a full outbox did not take, and what is in no book.
  struct late_message {
    std::string event;
    link::shared_text text;
  };

  struct walk_row {
    link::resume_walk walk;
    std::string id; ///< of the resume
  };

  struct link_slot {
    command_link how;
    link::link_port_ptr port;
    bool up = false;
    std::vector<link_heard> early; ///< came before the port, or who owns the session, was known
    bool waited = false;           ///< long enough for presence
    link::link_limits limits;
    std::unique_ptr<link::command_ledger> ledger;
    std::unique_ptr<link::command_auth> auth;
    std::map<std::string, std::size_t> open; ///< commands without an answer, by src
    std::map<std::uint64_t, walk_row> walks;
    std::uint64_t last_walk = 0;
    link::wall_ms up_since = 0;
    std::string last_error;
    std::uint64_t heard = 0;
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;                ///< came, and no answer was possible
    std::uint64_t unsent = 0;                 ///< the port did not take it
    std::vector<link::held_message_ptr> owed; ///< answered, and the answer did not go out yet
    std::deque<late_message> late;
    std::size_t late_bytes = 0;
    std::uint64_t joins = 0;
  };

  /// A large answer that goes out in pieces before its result.
  struct parts {
    std::string stream;
    std::shared_ptr<const std::string> bytes;
    std::size_t off = 0;
    std::uint64_t seq = 0;
    link::shared_text result;
    command_outcome outcome; ///< for the feed
    std::size_t most = 0;    ///< bytes of a piece
    clock::time_point moved; ///< when the port took the last piece
  };

  enum class stage : std::uint8_t { looking, waiting, preparing, running, storing, sending };

  struct entry {
    std::uint64_t number = 0;
    std::size_t link = 0;
    std::shared_ptr<const command> what;
    std::string fingerprint;
    std::string summary; ///< for people; masked, then shortened
    bool effect = false;
    bool recorded = false;
    stage at = stage::looking;
    clock::time_point came;
    link::wall_ms came_wall = 0;
    std::shared_ptr<std::atomic<bool>> cancelled;
    errc ending = errc::none; ///< why it was asked to end
    files::file_plan plan;
    caf::actor worker;
    std::shared_ptr<shell::shell_job> job;
    command_outcome outcome; ///< while it is stored
    std::unique_ptr<parts> large;
    link::held_message_ptr letter;        ///< until it is journaled, or answered
    bool shown = false;                   ///< in the feed
    bool lives_on = false;                ///< a shell.start that runs
    std::vector<std::uint64_t> followers; ///< input and the like that came before it ran
  };

  /// Output of an ended command that `fetch` may read.
  struct kept_output {
    link::journal_key key;
    std::shared_ptr<shell::shell_job> job;
    std::shared_ptr<const std::string> content;
  };

  /// What outlived its command.
  struct survivor_row {
    std::uint64_t number = 0;
    std::string id;
    std::string session;
    std::string summary; ///< masked
    std::vector<pid_t> pids;
  };

  /// An fs.watch that was answered.
  struct watch_row {
    std::size_t link = 0;
    std::string src;
    std::string id;
    std::shared_ptr<files::watch_hub::handle> handle;
    std::shared_ptr<change_queue> queue;
    std::uint64_t seq = 0;
  };

  /// A row that a former life did not finish.
  struct former_row {
    link::journal_row row;
    std::shared_ptr<const command> what;
    files::file_plan plan;
  };

  // -- intake
  void judge(std::size_t link, const result<nlohmann::json>& payload);
  void settle(entry& which);
  void refuse(std::size_t link, std::string_view id, const error& why);
  void decide(std::size_t link, std::shared_ptr<const command> what, std::string fingerprint,
              bool same_signature);
  void follow(std::size_t link, const std::shared_ptr<const command>& what,
              const std::string& fingerprint, const link::decision& what_to_do);
  entry& admit(std::size_t link, std::uint64_t number, std::shared_ptr<const command> what,
               std::string fingerprint);
  void look_up(entry& which, const link::journal_key& key);
  void erase(std::uint64_t number);
  void record(entry& which);
  void enqueue(entry& which);
  void refuse_open(entry& which, const error& why);

  // -- run
  void pump();
  void run(entry& which);
  void run_file(entry& which, fs_step step);
  void run_shell(entry& which);
  void run_about_shell(entry& which);
  void act_on_shell(entry& which, shell::shell_job& job);
  void run_batch(entry& which);
  void run_watch(entry& which);
  void run_unwatch(entry& which);
  bool end_watch(std::size_t link, const std::string& src, const std::string& id);
  void send_changes(watch_row& row, const std::vector<files::file_change>& changes);
  void go(entry& which);
  void watch(caf::actor worker, std::uint64_t number);
  void arm_deadline();
  void cancel_entry(entry& which, errc why);
  files::file_context context_of(const entry& which) const;

  // -- answer
  bool send(std::size_t link, const std::string& event, link::shared_text text);
  bool send_result(std::size_t link, link::shared_text text);
  void say(std::size_t link, const std::string& event, link::shared_text text);
  void send_late(std::size_t link);
  bool never_goes_out(std::size_t link, const link::shared_text& text) const;
  void try_again_soon();
  void owe(entry& which);
  void nothing_owed(link_slot& slot);
  void end_parts(entry& which);
  void send_ack(std::size_t link, std::string_view id, std::string_view state, bool dup);
  void complete(entry& which, const link::shared_text& text);
  void fit(entry& which, command_outcome& outcome);
  void begin_parts(entry& which, std::string stream, std::string bytes, command_outcome outcome);
  void keep_output(const entry& which, std::shared_ptr<const std::string> content);
  void forget(std::uint64_t number);

  // -- control
  void control(std::size_t link, const command& what);
  void control_cancel(std::size_t link, const command& what);
  void control_query(std::size_t link, const command& what);
  void control_resume(std::size_t link, const command& what);
  void control_fetch(std::size_t link, const command& what);
  void control_release(std::size_t link, const command& what);
  void answer_now(std::size_t link, const command& what, const command_outcome& outcome);

  // -- links
  void hello(std::size_t link);
  void hear_early(std::size_t link);
  void note_listeners(link_slot& slot);

  // -- feed
  std::string summary_of(const command& what) const;
  nlohmann::json queued_event(const entry& which) const;
  void show_queued(entry& which);
  void show_running(entry& which);
  void show_done(entry& which, const command_outcome& outcome);

  // -- settle
  void settle_next();
  void settle_step(fs_step step);
  void settle_planned(fs_planned& what);
  void settle_recorded(const journal_recorded& what);
  void settle_done();
  bool only_waited(const former_row& one) const;
  void run_waited(former_row& one);

  entry* find(std::uint64_t number);
  /// Numbers of the first link are its ledger's; those of further links stand above.
  static constexpr unsigned link_shift = 40;
  static std::uint64_t number_of(std::size_t link, std::uint64_t in_ledger) {
    return static_cast<std::uint64_t>(link) << link_shift | in_ledger;
  }
  static std::uint64_t in_ledger(std::uint64_t number) {
    return number & ((std::uint64_t{1} << link_shift) - 1);
  }
  static link::wall_ms wall_now();
  caf::actor me() const { return caf::actor_cast<caf::actor>(self_); }

  self_ptr self_;
  commands_deps deps_;
  std::vector<link_slot> links_;
  std::unordered_map<std::uint64_t, entry> entries_;
  link::command_queue queue_;
  std::unordered_map<caf::actor_addr, std::uint64_t> workers_;
  std::size_t shells_ = 0;      ///< that live on; they hold no slot of the queue
  std::list<kept_output> kept_; ///< newest first
  std::size_t kept_bytes_ = 0;
  std::list<survivor_row> survivors_;
  std::map<std::uint64_t, watch_row> watches_;                     ///< oldest first
  std::unordered_map<std::uint64_t, std::uint64_t> watches_begun_; ///< by command
  std::uint64_t last_watch_ = 0;
  std::deque<std::uint64_t> sending_; ///< entries with parts
  bool parts_timer_ = false;
  bool unsent_timer_ = false;
  std::uint64_t deadline_epoch_ = 0;
  std::optional<link::wall_ms> deadline_armed_;
  std::deque<former_row> former_;
  std::deque<former_row> waited_;                        ///< of former_: run once all is settled
  std::vector<std::vector<link::journal_row>> restored_; ///< by link
  std::uint64_t last_rseq_ = 0;
  link::held_message_ptr in_hand_; ///< while it is judged; null once an entry has it
  bool ready_ = false;
  unsigned begins_ = 0; ///< looks at what a former life left on the pool
  std::function<void()> goodbye_;
  bool closing_ = false;
  std::uint64_t done_ok_ = 0;
  std::uint64_t done_failed_ = 0;
};

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_looked_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_recorded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_stored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_former)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::parts_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::unsent_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::begin_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::deadline_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::resume_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::presence_due)
