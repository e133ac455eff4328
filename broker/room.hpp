// SPDX-License-Identifier: Apache-2.0
#pragma once

// One channel of the broker: who is in it, what they say of themselves, and the one place where a
// broadcast becomes deliveries or, in `sandbox:*` with nobody there, a letter in the mailbox.
// Thread-safe; one lock per room, under which members are told: they must only queue.

#include "broker/mailbox.hpp"
#include "broker/outgoing.hpp"
#include "broker/presence.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace holt::broker {

/// Somebody in a room. All calls come under the room's lock.
class member {
public:
  explicit member(side which) : which_{which} {}
  virtual ~member() = default;
  side which() const noexcept { return which_; }

  /// It is in: what is present, and what waited for it. Before the first hear().
  virtual void begin(const std::string& present, const std::vector<letter>& waited) = 0;
  /// False: it could not take it, or is gone.
  virtual bool hear(outgoing& what) = 0;
  /// All that is tracked, after each change. Only for members that want it.
  virtual void present(const std::vector<const tracked*>& /*all*/) {}

private:
  friend class room;
  const side which_;
  // the room's
  bool joining_ = false;           ///< its letters are being fetched
  std::vector<outgoing_ptr> held_; ///< said meanwhile
  std::unique_ptr<tracked> tracked_;
};

using member_ptr = std::shared_ptr<member>;

class room : public std::enable_shared_from_this<room> {
public:
  /// `name` without `realtime:`. `letters`: null for rooms without a mailbox.
  room(boost::asio::io_context& io, std::string name, std::shared_ptr<mailbox> letters);

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

  bool somebody_but(side which) const;
  std::size_t size() const;

private:
  void tell_presence(const tracked* joins, const tracked* leaves);
  bool give(member& who, const outgoing_ptr& what);
  void letters_came(const std::weak_ptr<member>& weak, std::vector<letter> all);
  std::vector<const tracked*> all_tracked() const;
  outcome say_locked(const member* from, bool to_self, side which, const outgoing_ptr& what,
                     std::function<void(bool)> on_disk);

  /// What comes back from the mailbox, in its order.
  boost::asio::strand<boost::asio::io_context::executor_type> from_mailbox_;
  const std::string name_;
  const std::string topic_;
  const std::shared_ptr<mailbox> letters_;

  mutable std::mutex mutex_; ///< guards all below
  std::vector<member_ptr> members_;
};

using room_ptr = std::shared_ptr<room>;

} // namespace holt::broker
