// SPDX-License-Identifier: Apache-2.0
#pragma once

// The client's end of one WebSocket (the server's is ws_server): Beast's stream with limits,
// credit, a bounded outbox, liveness and a close handshake that ends. Internal to transport/ (heavy
// includes: only ws_session.cpp and ws_client.cpp). Runs on its strand; send, acknowledge and close
// are thread-safe and never block.

#include "transport/ws_liveness.hpp"
#include "transport/ws_socket.hpp"

#include <boost/beast/websocket/stream.hpp>

#include <boost/asio/buffer.hpp>

#include <deque>
#include <optional>

namespace holt::http {

using ws_stream = boost::beast::websocket::stream<ws_socket, false>;

class ws_session final : public ws_connection, public std::enable_shared_from_this<ws_session> {
public:
  ws_session(socket_type socket, ws_limits limits);

  ws_stream& stream() noexcept { return stream_; }
  void set_options(std::chrono::milliseconds handshake_timeout);
  /// The handshake is done: starts reading, on the strand.
  void run(ws_handlers handlers);
  /// Ends at once, without a close frame; any thread.
  void abort();

  // -- ws_connection
  bool send_text(std::shared_ptr<const std::string> text) override;
  bool send_binary(std::shared_ptr<const std::string> bytes) override;
  void acknowledge(unsigned n) override;
  void close(std::uint16_t code, std::string reason) override;
  std::size_t outbox() const override;

private:
  friend class ws_liveness;
  struct item {
    std::shared_ptr<const std::string> bytes;
    bool binary = false;
  };

  bool enqueue(std::shared_ptr<const std::string> bytes, bool binary);
  void read();
  void received(boost::system::error_code ec);
  void write();
  void written(boost::system::error_code ec, std::size_t n);
  void begin_close(std::uint16_t code, std::string reason, bool drop);
  void shake_hands();
  void late();
  void cut();
  void finish(close_reason why);
  close_reason reason_of(boost::system::error_code ec) const;

  ws_stream stream_;
  ws_liveness liveness_;
  ws_limits limits_;
  ws_handlers handlers_;

  mutable std::mutex mutex_; ///< guards the next four
  std::deque<item> outbox_;
  std::size_t outbox_bytes_ = 0;
  bool writing_ = false; ///< a write is posted or under way
  bool closed_to_senders_ = false;

  // on the strand only
  using string_buffer
    = boost::asio::dynamic_string_buffer<char, std::char_traits<char>, std::allocator<char>>;
  std::string incoming_;
  std::optional<string_buffer> buffer_; ///< over `incoming_`
  boost::beast::websocket::close_reason closing_with_;
  unsigned unacknowledged_ = 0;
  bool open_ = false;
  bool reading_ = false;
  bool pinging_ = false;
  bool close_wanted_ = false;
  bool closing_ = false;
  bool peer_closed_ = false;
  bool finished_ = false;
  std::string why_cut_;
};

} // namespace holt::http
