// SPDX-License-Identifier: Apache-2.0
#pragma once

// The broker itself: its rooms, its sockets, its keys. Internal to broker/. Locks, outer first:
// socket, hub, room, mailbox or connection; nobody is called while the hub's lock is held, except a
// room that somebody joins.

#include "broker/broker.hpp"
#include "broker/keys.hpp"
#include "broker/mailbox.hpp"
#include "broker/room.hpp"

#include <boost/asio/steady_timer.hpp>

#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace holt::broker {

class socket;

class hub final : public broker, public std::enable_shared_from_this<hub> {
public:
  hub(boost::asio::io_context& io, broker_options how, std::shared_ptr<mailbox> letters);
  void begin(); ///< the clock

  // -- broker
  void handle_upgrade(http::upgrade_ptr what) override;
  void handle(http::request what, http::reply answer) override;
  bool knows(const http::request& head) const override;
  link::link_port_ptr join_local(const std::string& session, link::link_events events) override;
  std::string agent_key(const std::string& session) const override;
  std::string daemon_key() const override;
  std::string app_key() const override;
  void open() override;
  void close_all(std::function<void()> done) override;
  broker_stats stats() const override;

  // -- for sockets, local members and HTTP
  boost::asio::io_context& io() noexcept { return io_; }
  const broker_options& how() const noexcept { return how_; }
  const keyring& keys() const noexcept { return keys_; }
  /// Null when there are too many members; the daemon itself (not `bounded`) always gets in.
  room_ptr join(const std::string& name, bool is_private, const member_ptr& who,
                bool bounded = true);
  void leave(const room_ptr& from, const member_ptr& who);
  /// Into a room from outside; it need not exist.
  room::outcome say(const std::string& name, bool is_private, side which, const outgoing_ptr& what,
                    std::function<void(bool)> on_disk);
  // -- for the daemon: what it hears has a place among the letters, and may come back to it
  std::int64_t reserve() { return letters_->reserve(); }
  void settled(const std::string& name, std::int64_t seq) { letters_->forget(name, {seq}); }
  void take_back(const std::string& name, std::vector<letter> what);
  std::uint64_t mailbox_unwritten() const { return letters_->unwritten(); }
  void came(const std::shared_ptr<socket>& who);
  void gone(const std::shared_ptr<socket>& who);

  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> slow{0};
  std::atomic<std::uint64_t> stored{0};
  void count(const room::outcome& what) {
    delivered.fetch_add(what.delivered, std::memory_order_relaxed);
    if (what.stored)
      stored.fetch_add(1, std::memory_order_relaxed);
  }

private:
  struct closing; ///< one close_all under way
  static std::string key_of(const std::string& name, bool is_private);
  room_ptr room_of_locked(const std::string& name, bool is_private);
  void prune_locked(const room_ptr& what);
  void tick();

  boost::asio::io_context& io_;
  const broker_options how_;
  const keyring keys_;
  const std::shared_ptr<mailbox> letters_;
  const std::shared_ptr<replay_log> past_ = std::make_shared<replay_log>();
  boost::asio::steady_timer clock_;

  mutable std::mutex mutex_;                        ///< guards the rest
  std::unordered_map<std::string, room_ptr> rooms_; ///< by key_of
  std::unordered_map<const room*, std::string> keys_of_rooms_;
  std::unordered_set<std::shared_ptr<socket>> sockets_;
  std::size_t members_ = 0;
  std::shared_ptr<closing> closing_;
};

/// Answers one HTTP request of the broadcast API (http_api.cpp).
void answer_http(const std::shared_ptr<hub>& whose, http::request what, http::reply answer);

/// The key that an HTTP request came with; empty: none.
std::string_view key_of(const http::request& what);

/// A member inside the daemon (local_member.cpp).
link::link_port_ptr make_local_member(const std::shared_ptr<hub>& whose, const std::string& session,
                                      link::link_events events);

} // namespace holt::broker
