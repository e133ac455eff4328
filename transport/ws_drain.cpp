// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_socket.hpp"

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t most_bytes = 512 * 1024;

class drainer final : public connection, public std::enable_shared_from_this<drainer> {
public:
  drainer(std::unique_ptr<place> seat, socket_type socket)
    : seat_{std::move(seat)}, socket_{std::move(socket)}, timer_{socket_.get_executor()} {}

  void begin(std::chrono::milliseconds limit) {
    seat_->attach(weak_from_this());
    timer_.expires_after(limit);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec)
        self->end();
    });
    read();
  }

  void stop(std::uint16_t, std::string) override {}
  void abort() override {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->end(); });
  }

private:
  void read() {
    socket_.async_read_some(asio::buffer(waste_),
                            [self = shared_from_this()](error_code ec, std::size_t n) {
                              self->seen_ += n;
                              if (ec || self->seen_ > most_bytes)
                                self->end();
                              else
                                self->read();
                            });
  }

  void end() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    seat_.reset();
  }

  std::unique_ptr<place> seat_;
  socket_type socket_;
  timer_type timer_;
  std::array<char, 2048> waste_{};
  std::size_t seen_ = 0;
};

} // namespace

void drain(std::unique_ptr<place> seat, socket_type socket, std::chrono::milliseconds limit) {
  std::make_shared<drainer>(std::move(seat), std::move(socket))->begin(limit);
}

} // namespace holt::http
