// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was said in a `sandbox:*` channel while nobody was there to hear it (protocol, section 9):
// an SQLite file with one thread of its own. Thread-safe; callers never wait. What was stored
// survives a kill of the process at any instant after `done`. Bounded by count, bytes and age per
// channel; the oldest goes first. A letter that was read is lent: it is neither read again nor
// forgotten until its reader says what became of it; a new process lends nothing. Callbacks run on
// its thread and must not own the mailbox.

#include "broker/keys.hpp"
#include "messages/phoenix_frame.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace holt::broker {

struct mailbox_options {
  std::string file; ///< empty: in memory
  std::size_t messages = 1'000;
  std::uint64_t bytes = 64ull << 20;
  std::chrono::milliseconds age{std::chrono::hours{24}};
};

struct letter {
  std::int64_t seq = 0;
  side from = side::unknown;
  phoenix::user_message message; ///< with an id
  unsigned returned = 0;         ///< how often it was put back
};

/// Whether `reader` is somebody that `from` speaks to.
constexpr bool speaks_to(side from, side reader) noexcept {
  return from == side::unknown || reader == side::unknown || from != reader;
}

class mailbox {
public:
  /// state_dir when the file cannot be used.
  static result<std::shared_ptr<mailbox>> open(mailbox_options how);
  virtual ~mailbox() = default; ///< writes what waits

  /// `done` on the mailbox's thread once it is on disk (true), or cannot be.
  virtual void store(const std::string& name, side from, phoenix::user_message what,
                     std::function<void(bool)> done)
    = 0;
  /// Whether something waits for a reader of this side and is not lent; also what is not on disk
  /// yet.
  virtual bool waits(const std::string& name, side reader) const = 0;
  /// `got` on the mailbox's thread: all that waits, oldest first. It is lent from now on: the seqs
  /// are answered at once. Nothing is read for a `whom` that is gone by then: readers that come and
  /// go faster than the disk answers must not pile up work.
  virtual std::vector<std::int64_t> read(const std::string& name, side reader,
                                         std::weak_ptr<const void> whom,
                                         std::function<void(std::vector<letter>)> got)
    = 0;
  /// Lent ones that their reader has read.
  virtual void forget(const std::string& name, const std::vector<std::int64_t>& seqs) = 0;
  /// Lent ones that it has not: they wait again, where they were.
  virtual void give_back(const std::string& name, const std::vector<std::int64_t>& seqs) = 0;
  /// A place in the order for what is heard now and may have to be put back later. Never blocks.
  virtual std::int64_t reserve() = 0;
  /// Waits at the place of its seq: one that was lent, or that was heard and never stored.
  virtual void put_back(const std::string& name, letter what) = 0;
  /// Bytes given to store() that are not on disk yet.
  virtual std::uint64_t unwritten() const = 0;
};

} // namespace holt::broker
