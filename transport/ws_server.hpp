// SPDX-License-Identifier: Apache-2.0
#pragma once

// The server's end of one WebSocket, made for many small messages to many readers: what is sent
// while a peer's bytes are handled goes out afterwards, all of it in one write; an idle connection
// holds no buffer. Internal to transport/. Runs on its strand; send, acknowledge and close are
// thread-safe and never block.

#include "transport/http_upgrade.hpp"
#include "transport/ws_liveness.hpp"
#include "transport/ws_proof.hpp"
#include "transport/ws_reader.hpp"

#include <deque>
#include <vector>

namespace holt::http {

class ws_server final : public ws_connection,
                        public ws_prover,
                        public connection,
                        public std::enable_shared_from_this<ws_server> {
public:
  ws_server(socket_type socket, std::unique_ptr<place> seat, ws_limits limits,
            ws_handlers handlers);

  /// On the strand: sends the answer to the handshake, then reads.
  void begin(std::string answer, const std::function<void(ws_ptr)>& opened);

  // -- ws_connection
  bool send_text(std::shared_ptr<const std::string> text) override;
  bool send_binary(std::shared_ptr<const std::string> bytes) override;
  void acknowledge(unsigned n) override;
  void close(std::uint16_t code, std::string reason) override;
  std::size_t outbox() const override;

  // -- ws_prover
  void when_read(std::function<void()> read) override;

  // -- connection
  void stop(std::uint16_t ws_code, std::string reason) override;
  void abort() override;

private:
  friend class ws_flush_later;
  friend class ws_liveness;
  /// A run of small frames, or one large payload that is shared.
  struct piece {
    std::string own;
    std::shared_ptr<const std::string> shared;
  };

  /// Waits for the pong of its number, or of a later one.
  struct proof {
    std::uint64_t number = 0;
    std::function<void()> read;
  };

  bool enqueue(const std::shared_ptr<const std::string>& bytes, unsigned opcode);
  void append_locked(unsigned opcode, const std::shared_ptr<const std::string>& bytes);
  void control(unsigned opcode, std::string_view payload, bool always);
  void write();
  void written(boost::system::error_code ec);
  void wait();
  void readable();
  void resume();
  void consume(std::string_view bytes);
  bool hungry() const { return close_wanted_ || unacknowledged_ < limits_.credit; }
  std::string open_proof() const;
  void take_pong(std::string_view payload);
  void take_close();
  void fail(std::uint16_t code, std::string why);
  void begin_close(std::uint16_t code, std::string reason, bool drop);
  void shake_hands();
  void drop_queue();
  void last_frame(std::string payload);
  void late();
  void cut();
  void finish(close_reason why);

  socket_type socket_;
  ws_liveness liveness_;
  std::unique_ptr<place> seat_;
  const ws_limits limits_;
  ws_handlers handlers_;

  mutable std::mutex mutex_; ///< guards the next seven
  std::vector<piece> outbox_;
  std::size_t queued_bytes_ = 0; ///< with bookkeeping; of outbox_
  std::size_t outbox_bytes_ = 0; ///< with what is under way
  bool writing_ = false;         ///< a write is posted or under way
  bool closed_to_senders_ = false;
  std::uint64_t last_proof_ = 0;
  std::deque<proof> proofs_; ///< oldest first

  // on the strand only
  ws_reader reader_;
  std::vector<piece> in_flight_;
  std::size_t in_flight_bytes_ = 0;
  std::string pending_; ///< read, but out of credit
  unsigned unacknowledged_ = 0;
  bool waiting_ = false;         ///< for the socket to be readable
  bool open_ = false;            ///< opened() was called
  bool close_wanted_ = false;    ///< no message is delivered any more
  bool closing_ = false;         ///< our close frame is queued or sent
  bool end_after_write_ = false; ///< nothing more to read: the peer closed, or broke the rules
  bool peer_closed_ = false;
  bool finished_ = false;
  std::string goodbye_; ///< payload of the close frame that is due
  close_reason ending_; ///< why, once end_after_write_
  std::string why_cut_;
};

} // namespace holt::http
