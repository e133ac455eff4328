// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which command runs next. Bounded, fair between agents: round robin over `src`, first come first
// served within one. 32 run and 256 wait, then `busy`. So that one agent never starves another, a
// few more slots and places exist that only an agent with (almost) nothing running or waiting may
// use; quick commands (files) get most of them. Pure: no clock, no threads. Owned by
// actors/commands.

#include "link/command_ledger.hpp"

#include <deque>
#include <map>

namespace holt::link {

struct queue_limits {
  std::size_t running = 32;
  std::size_t waiting = 256;
  std::size_t express = 8; ///< further slots, for a src with fewer than `express_share` running
  std::size_t express_slow = 4; ///< of them, at most so many for slow commands
  std::size_t express_share = 2;
  std::size_t guest_places
    = 64; ///< further places, for a src with fewer than `guest_share` waiting
  std::size_t guest_share = 8;
};

/// Quick: ends by itself soon (fs.*). Slow: may take as long as it likes (shell.*, batch with
/// them).
enum class pace : std::uint8_t { quick, slow };
pace pace_of(const command& what) noexcept;

class command_queue {
public:
  explicit command_queue(queue_limits limits = {});

  /// `busy`: no place.
  result<void> push(command_number number, std::string src, pace how,
                    std::optional<std::int64_t> deadline_ms = {});
  /// The next one to start; it counts as running from now on. Call until it answers nothing: after
  /// each push, done and cancel.
  std::optional<command_number> next();
  /// It ran and has ended.
  void done(command_number number);

  enum class where : std::uint8_t { unknown, waiting, running };
  where find(command_number number) const;
  /// Takes a waiting one out; says where it was.
  where cancel(command_number number);
  /// Takes out the waiting ones whose deadline has passed.
  std::vector<command_number> expire(std::int64_t now_ms);
  /// The earliest deadline of a waiting one.
  std::optional<std::int64_t> next_deadline() const;
  /// Takes out all that wait (shutdown), in order.
  std::vector<command_number> drain();

  std::size_t waiting() const noexcept { return waiting_; }
  std::size_t running() const noexcept { return running_.size(); }

private:
  struct entry {
    command_number number = 0;
    pace how = pace::quick;
    std::optional<std::int64_t> deadline_ms;
  };
  struct agent {
    std::deque<entry> waiting;
    std::size_t running = 0;
  };
  struct run {
    std::string src;
    pace how = pace::quick;
    bool express = false;
  };
  using agents = std::map<std::string, agent>;

  std::optional<command_number> start(agents::iterator who, std::size_t at, bool express);
  std::optional<command_number> take_regular();
  std::optional<command_number> take_express();
  entry remove(agents::iterator who, std::size_t at);
  void tidy(agents::iterator who);
  agents::iterator after(const std::string& src);

  queue_limits limits_;
  agents agents_;
  std::string last_;         ///< src that was served last by a regular slot
  std::string last_express_; ///< and by a further one
  std::map<command_number, run> running_;
  std::map<command_number, std::string> waiting_by_number_;
  std::map<std::int64_t, std::vector<command_number>> deadlines_;
  std::size_t waiting_ = 0;
  std::size_t regular_ = 0; ///< running in regular slots
  std::size_t express_ = 0;
  std::size_t express_slow_ = 0;
};

} // namespace holt::link
