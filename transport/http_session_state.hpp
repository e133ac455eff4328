// SPDX-License-Identifier: Apache-2.0
#pragma once

// One accepted connection, all of its state. Internal to transport/: http_session.cpp (life and
// upgrade), http_session_in.cpp (what arrives), http_session_out.cpp (what is answered),
// http_session_sink.cpp and http_session_stream.cpp (bodies that no memory holds). Lives as
// long as one of its operations waits; everything runs on the socket's strand but what is said to
// be called from any thread. Never blocks.

#include "transport/http_core.hpp"
#include "transport/http_parser.hpp"
#include "transport/http_upgrade.hpp"
#include "transport/http_wire.hpp"
#include "transport/send_file.hpp"

namespace holt::http {

enum class session_phase {
  idle,      ///< between requests
  head,      ///< a header is arriving
  body,      ///< a body is arriving
  storing,   ///< its sink has a piece, or is being opened; nothing is read
  answering, ///< the service works
  upgrading, ///< the service decides about a WebSocket
  writing,
  lingering, ///< answered, reads what is left so that the answer is not lost
  ended,
};

class http_session final : public connection,
                           public upgrade_host,
                           public std::enable_shared_from_this<http_session> {
public:
  http_session(std::unique_ptr<place> seat, socket_type socket,
               const boost::asio::ip::tcp::endpoint& peer);

  // From any thread.
  void begin();
  void stop(std::uint16_t, std::string) override;
  void abort() override;
  void upgrade_refused(response why) override;
  void upgrade_accepted(ws_accept_request what) override;
  void answered(std::uint64_t number, streaming_response what);

private:
  using phase = session_phase;
  static constexpr std::size_t read_bytes = 2048; ///< room for a read while waiting for a request
  static constexpr std::size_t linger_bytes = 256 * 1024; ///< thrown away after a closing answer
  static constexpr int linger_rounds = 10; ///< a sender that goes on is heard for so many limits

  // -- life
  void arm(std::chrono::milliseconds after);
  void late();
  void end();
  void log(unsigned status, std::uint64_t body_bytes);
  void offer_upgrade();
  void become_websocket(ws_accept_request what);
  streaming_reply make_reply(std::uint64_t number);

  // -- in
  void read(std::size_t room);
  /// Bytes of a request are there (the buffer also has the room for the next read).
  bool begun() const;
  void received(boost::system::error_code ec, std::size_t n);
  void take_head();
  void decide();
  void begin_body();
  void say_continue();
  void take_body();
  static error too_large(std::uint64_t limit);
  void hand_over();

  // -- in, for a sink
  void open_sink();
  void sink_opened(std::optional<response> refused);
  void take_piece();
  void store(std::string_view piece, bool last);
  void stored(std::optional<response> refused, bool last);

  // -- out
  /// The framing is not trustworthy, or the peer is too slow: answer, then close.
  void refuse(const error& why);
  /// Before the body: the connection can go on only when there is none.
  void turn_away(response what);
  void answer(streaming_response what);
  void write();
  void sent();

  // -- out, without memory
  void send_file();
  void file_sent(const file_sender::turn_result& got);
  void pull();
  void pulled(result<std::string> piece);

  std::shared_ptr<http_core> core_;
  streaming_service* streaming_ = nullptr; ///< the core's service, when it is one
  std::unique_ptr<place> seat_;
  socket_type socket_;
  timer_type timer_;
  boost::asio::ip::tcp::endpoint peer_;
  boost::asio::ip::tcp::endpoint local_;
  phase phase_ = phase::head;
  std::string buffer_; ///< received, not used yet
  message_parser parser_;
  framing frame_;
  request current_;
  std::uint64_t number_ = 0; ///< of the request on this connection
  std::uint64_t body_limit_ = 0;
  std::uint64_t window_bytes_ = 0;
  std::shared_ptr<body_sink> sink_;
  std::string piece_;           ///< of a chunked body, while the sink has it
  std::size_t piece_used_ = 0;  ///< bytes of the buffer that the sink has
  std::uint64_t body_left_ = 0; ///< bytes of a body for a sink that did not arrive yet
  std::vector<header> cors_;
  std::string out_head_;
  std::shared_ptr<const std::string> out_body_;
  std::shared_ptr<file_sender> out_file_;
  std::shared_ptr<body_source> out_stream_;
  bool takes_chunks_ = true; ///< HTTP/1.1
  bool stream_ended_ = false;
  std::size_t kept_ = 0; ///< bytes before the room of the read that is under way
  std::size_t written_ = 0;
  std::chrono::steady_clock::time_point write_until_{}; ///< a patient body is not waited for longer
  std::size_t lingered_ = 0;
  std::size_t linger_most_ = linger_bytes;
  std::chrono::steady_clock::time_point linger_until_{}; ///< not beyond, though more comes
  access_record record_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  bool is_head_ = false;
  bool close_after_ = false;
  bool stopping_ = false;
  bool reading_ = false;
};

} // namespace holt::http
