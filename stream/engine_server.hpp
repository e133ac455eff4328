// SPDX-License-Identifier: Apache-2.0
#pragma once

// holt-stream as a whole: sources, peers, room, API and listener on one io_context, run by one
// thread. Owned by main. It ends itself when the X server goes away.

#include "stream/engine_api.hpp"
#include "stream/engine_media.hpp"
#include "stream/engine_options.hpp"
#include "transport/listener.hpp"

namespace holt::stream {

class engine_server {
public:
  engine_server(boost::asio::io_context& io, engine_options options);
  ~engine_server();
  engine_server(const engine_server&) = delete;
  engine_server& operator=(const engine_server&) = delete;

  /// Errors: port_unavailable; what the X server said.
  result<void> start();

  /// Says goodbye to the viewers, closes everything and stops the io_context within 0.8 s.
  void stop(std::string_view why);

  std::uint16_t http_port() const noexcept { return http_port_; }
  std::uint16_t media_port() const noexcept { return peers_ ? peers_->port() : 0; }
  /// Why it ended by itself; nothing otherwise.
  const std::optional<error>& failure() const noexcept { return failure_; }

private:
  result<void> open_media();
  void on_failed(const error& why);

  boost::asio::io_context& io_;
  engine_options options_;
  std::unique_ptr<engine_media> media_;
  std::unique_ptr<peer_pool> peers_;
  std::shared_ptr<room> room_;
  std::unique_ptr<http::listener> listener_;
  boost::asio::steady_timer limit_;
  std::uint16_t http_port_ = 0;
  screen_size last_size_;
  bool stopping_ = false;
  std::optional<error> failure_;
};

} // namespace holt::stream
