// SPDX-License-Identifier: Apache-2.0
#pragma once

// One client's WebSocket: the Phoenix protocol of both versions, its channels, its heartbeats, its
// token. Frames come on the connection's strand, the clock from the hub: one lock.

#include "broker/channel.hpp"
#include "broker/hub.hpp"

#include <chrono>
#include <map>
#include <mutex>

namespace holt::broker {

class socket final : public std::enable_shared_from_this<socket> {
public:
  socket(std::shared_ptr<hub> whose, phoenix::version version, claims who);

  /// Answers 101 or refuses; then the hub knows it.
  static void open(const std::shared_ptr<hub>& whose, const http::upgrade_ptr& what);

  void opened(http::ws_ptr ws);
  void message(std::string bytes, bool binary);
  void ended();
  void tick(std::chrono::steady_clock::time_point now);
  void close(std::uint16_t code, std::string why);

private:
  void take(phoenix::frame what);
  void join(const phoenix::frame& what);
  void leave(const phoenix::frame& what);
  void broadcast(channel_ptr where, phoenix::frame what);
  void presence(const channel_ptr& where, const phoenix::frame& what);
  void access_token(const channel_ptr& where, const phoenix::frame& what);
  void reply(const phoenix::frame& to, bool good, std::string_view response,
             bool with_join_ref = true);
  void refuse(const phoenix::frame& join, std::string_view why);
  /// system error, then phx_close.
  void shut(const channel_ptr& where, std::string_view why);
  void drop(const channel_ptr& where);
  void acknowledge() { ws_->acknowledge(1); }

  const std::shared_ptr<hub> hub_;
  const phoenix::version version_;
  const claims who_; ///< of the connection's key

  std::mutex mutex_; ///< guards the rest
  http::ws_ptr ws_;
  std::map<std::string, channel_ptr, std::less<>> channels_; ///< by topic
  std::chrono::steady_clock::time_point heard_;
  rate_limit messages_;
  rate_limit joins_;
  bool acknowledge_later_ = false; ///< the frame in hand waits for the disk
};

} // namespace holt::broker
