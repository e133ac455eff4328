// SPDX-License-Identifier: Apache-2.0
#pragma once

// The journal of commands on disk (SQLite, WAL): what was received before its effect, what was
// answered before it was sent. docs/protocol-sbx1.md, sections 5 and 7. Blocking; one thread at a
// time. Owned by actors/journal, which gives it a thread.

#include "messages/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holt::link {

using wall_ms = std::int64_t; ///< milliseconds since 1970

struct journal_key {
  std::string session;
  std::string src;
  std::string id;
  friend bool operator==(const journal_key&, const journal_key&) = default;
  friend auto operator<=>(const journal_key&, const journal_key&) = default;
};

struct journal_row {
  journal_key key;
  std::string fingerprint; ///< SHA-256, hex
  std::string command;     ///< JSON text as received; empty once done
  std::string plan;        ///< JSON text, may be empty; empty once done
  bool done = false;
  bool released = false;  ///< done, and its agent has consumed the answer: `result` is gone
  std::string result;     ///< JSON text of the result message, once done
  std::uint64_t rseq = 0; ///< position among the results, once done
  wall_ms received_at = 0;
  wall_ms done_at = 0;
};

struct journal_limits {
  std::uint64_t max_rows = 100'000;
  std::uint64_t max_bytes = 256ull << 20;
  std::chrono::hours max_age{24};
  std::size_t max_result = 16ull << 20; ///< one result; larger: payload_too_large
};

enum class durability : std::uint8_t { process, power };

struct journal_options {
  std::string file;
  journal_limits limits;
  durability safe_against = durability::process;
  /// Tests: called at every named step: `open_begun`, `open_checked`, `open_ready`,
  /// `received_begun`, `received_written`, `planned_begun`, `planned_written`, `done_begun`,
  /// `done_made` (text made, nothing written), `done_written`, `release_begun`, `release_written`,
  /// `sweep_begun`, `sweep_written`, `checkpoint_begun`, `checkpoint_written`, `reserve_used`.
  std::function<void(std::string_view step)> at_step;
};

class journal_store {
public:
  /// Opens or makes it. A damaged file is set aside as `<file>.damaged-<time>` and named in the
  /// error `io` of `damage()`; never silently emptied.
  static result<std::unique_ptr<journal_store>> open(journal_options how);
  virtual ~journal_store() = default;

  /// What was set aside at open(); empty: nothing.
  virtual std::string damage() const = 0;

  /// RECEIVED, before the effect: at best when it is queued, with an empty plan, so that a crash
  /// loses nothing that waits. A row of the same key is replaced (done: scope anon; not done: its
  /// plan is now known). no_space: refused while there may be no room for its DONE either.
  virtual result<void> received(const journal_key& key, std::string_view fingerprint,
                                std::string_view command, std::string_view plan, wall_ms now)
    = 0;
  /// The effect is about to begin: `plan` joins a row that was received. After a crash, a row with
  /// an empty plan has had no effect and may be run from the start.
  virtual result<void> planned(const journal_key& key, std::string_view plan) = 0;
  /// DONE, before the first broadcast. Answers the row's rseq. `make_text` gets the rseq, so that
  /// the stored bytes can hold it.
  virtual result<std::uint64_t>
  done(const journal_key& key, const std::function<std::string(std::uint64_t rseq)>& make_text,
       wall_ms now)
    = 0;
  /// Released ones only `with_released`: for judging a command that comes.
  virtual result<std::optional<journal_row>> find(const journal_key& key,
                                                  bool with_released = false)
    = 0;
  /// RECEIVED without DONE, oldest first: what a crash left.
  virtual result<std::vector<journal_row>> unfinished() = 0;
  /// Done and not released, rseq > after, in order; src empty: of all.
  virtual result<std::vector<journal_row>> unreleased(const std::string& session,
                                                      const std::string& src, std::uint64_t after,
                                                      std::size_t limit)
    = 0;
  /// Done at `since` or later and not released, in order: for the first join after a start.
  virtual result<std::vector<journal_row>> finished_since(const std::string& session, wall_ms since,
                                                          std::size_t limit)
    = 0;
  /// Forgets their results. That they were there is known for ten minutes more: copies of them may
  /// still be on their way.
  virtual result<std::size_t> release(const std::string& session, const std::string& src,
                                      const std::vector<std::string>& ids)
    = 0;
  /// Forgets what is older or more than the limits; never what is unfinished.
  virtual result<std::size_t> sweep(wall_ms now) = 0;
  virtual std::uint64_t last_rseq() const = 0;
  /// The newest time in the journal when it was opened: the former life was still at work then. 0:
  /// it was empty.
  virtual wall_ms last_activity() const = 0;
  /// Small values that must outlive the daemon: sandbox id, since.
  virtual result<std::optional<std::string>> value(std::string_view name) = 0;
  virtual result<void> set_value(std::string_view name, std::string_view text) = 0;
};

} // namespace holt::link
