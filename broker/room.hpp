// SPDX-License-Identifier: Apache-2.0
#pragma once

// One channel of the broker: who is in it, what they say of themselves, and the one place where a
// broadcast becomes deliveries or, in `sandbox:*` with nobody there, a letter in the mailbox.
// Thread-safe; one lock per room, under which members are told: they must only queue.

#include "broker/mailbox.hpp"
#include "broker/outgoing.hpp"
#include "broker/presence.hpp"
#include "broker/replay_log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace holt::broker {

/// What became of a letter that was handed to a member.
enum class took : std::uint8_t {
  yes,   ///< sent: prove() will tell whether it was read
  own,   ///< it will tell the hub itself what became of it
  never, ///< not this one: it stays for another reader
  gone,  ///< nor any other: the member is about to leave
};

/// Somebody in a room. All calls come under the room's lock.
class member {
public:
  explicit member(side which) : which_{which} {}
  virtual ~member() = default;
  side which() const noexcept { return which_; }

  /// It is in: what is present. Before hand() and hear().
  virtual void begin(const std::string& present) = 0;
  /// What it wants to hear of what was said before; handed over after begin().
  virtual std::optional<replay_wish> wishes() const { return std::nullopt; }
  /// And now it has all of that.
  virtual void begun() {}
  /// What waited for it, oldest first; before what is said after its join.
  virtual took hand(const letter& what) = 0;
  /// `read` once it has read all that it was handed so far; never when it goes before. False: it
  /// cannot tell, being sent has to do.
  virtual bool prove(std::function<void()> /*read*/) { return false; }
  /// Whether it takes letters at all now.
  virtual bool takes() const { return true; }
  /// False: it could not take it, or is gone.
  virtual bool hear(outgoing& what) = 0;
  /// All that is tracked, after each change. Only for members that want it.
  virtual void present(const std::vector<const tracked*>& /*all*/) {}
  /// Bytes that it has not passed on yet: while it has many, it gets no letters.
  virtual std::size_t waiting() const { return 0; }
  /// Too much is kept for it: it must go.
  virtual void too_slow() {}

private:
  friend class room;
  const side which_;
  // the room's
  struct held {
    outgoing_ptr what;
    side from = side::unknown;
  };
  bool begun_ = false;             ///< begin() was called
  std::vector<letter> past_;       ///< what it wished for, as it was when it joined
  bool joining_ = false;           ///< its letters are being fetched
  bool again_ = false;             ///< and once more afterwards
  bool behind_ = false;            ///< not all of letters_ and held_ were handed over
  std::vector<std::int64_t> lent_; ///< being fetched
  std::deque<letter> letters_;     ///< read, and still in the mailbox
  std::deque<held> held_;          ///< said meanwhile
  std::size_t held_bytes_ = 0;
  std::set<std::int64_t> unproven_; ///< letters that were sent, and may not have been read
  std::unique_ptr<tracked> tracked_;
};

using member_ptr = std::shared_ptr<member>;

class room : public std::enable_shared_from_this<room> {
public:
  /// `name` without `realtime:`. `letters`: null for rooms without a mailbox. `past`: null where
  /// nothing is ever replayed.
  room(boost::asio::io_context& io, std::string name, std::shared_ptr<mailbox> letters,
       std::shared_ptr<replay_log> past = nullptr);

  const std::string& name() const noexcept { return name_; }
  const std::string& topic() const noexcept { return topic_; }

  void join(const member_ptr& who);
  /// Idempotent.
  void leave(const member_ptr& who);

  /// What became of a broadcast.
  struct outcome {
    std::size_t delivered = 0;
    bool stored = false; ///< the mailbox has it; `on_disk` follows
  };
  /// `from`: null for HTTP; it hears itself only when `to_self`. `on_disk` on the io_context, only
  /// when the outcome is `stored`.
  outcome say(const member* from, bool to_self, side which, const outgoing_ptr& what,
              std::function<void(bool)> on_disk);

  /// False when the same was tracked already.
  bool track(const member_ptr& who, const std::string& key, std::string payload);
  void untrack(const member_ptr& who);

  /// Letters have come back: whoever is there for them gets them.
  void nudge();

  bool somebody_but(side which) const;
  std::size_t size() const;

private:
  void tell_presence(const tracked* joins, const tracked* leaves);
  bool give(member& who, side from, const outgoing_ptr& what);
  void hand_over(const member_ptr& who);
  void hand_over_later(const member_ptr& who);
  bool is_in(const member_ptr& who) const;
  /// `coming`: letters that it is about to get, and must not get twice.
  void begin(member& who, const std::vector<letter>& coming = {});
  void fetch(const member_ptr& who);
  void nudge_locked();
  void proven(const std::weak_ptr<member>& weak, const std::vector<std::int64_t>& seqs);
  /// What this member did not hear goes into the mailbox, unless another one heard it or will.
  void keep(const member& who, const member::held& what);
  void letters_came(const std::weak_ptr<member>& weak, std::vector<letter> all);
  std::vector<const tracked*> all_tracked() const;

  /// What comes back from the mailbox, in its order.
  boost::asio::strand<boost::asio::io_context::executor_type> from_mailbox_;
  const std::string name_;
  const std::string topic_;
  const std::shared_ptr<mailbox> letters_;
  const std::shared_ptr<replay_log> past_;

  mutable std::mutex mutex_; ///< guards all below
  std::vector<member_ptr> members_;
};

using room_ptr = std::shared_ptr<room>;

} // namespace holt::broker
