// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp_stream.hpp"

#include "transport/http_connect.hpp"
#include "transport/tls_context.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace holt::http {

namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds look_at_the_wake{50}; ///< while Asio connects

error io_error(std::string detail) {
  return {errc::io, std::move(detail)};
}

error cancelled() {
  return {errc::cancelled, "It was interrupted."};
}

bool readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&one, 1, 0) > 0;
}

/// The connected socket, taken out of Asio's hands, non-blocking.
result<int> connected_socket(const tcp_target& to) {
  asio::io_context io;
  const strand_type strand{asio::make_strand(io.get_executor())};
  result<int> out = error{errc::timeout, "There was no connection in time."};
  bool done = false;
  auto give_up = connect_to(strand, {to.host, to.port, to.via}, [&](result<socket_type> got) {
    done = true;
    if (!got) {
      out = got.error();
      return;
    }
    boost::system::error_code failed;
    const int fd = got->release(failed);
    if (failed)
      out = io_error(failed.message());
    else
      out = fd;
  });
  const auto until = steady_clock::now() + to.connect;
  while (!done && steady_clock::now() < until && !readable(to.wake_fd)) {
    io.restart();
    io.run_one_for(look_at_the_wake);
  }
  if (!done) {
    const bool woken = readable(to.wake_fd);
    give_up();
    io.restart();
    io.run_for(milliseconds{200}); // a name that is looked up holds a thread of its own
    if (woken && !out)
      return cancelled();
    if (!out && !done)
      return error{errc::timeout, "There was no connection in time."};
  }
  if (out)
    ::fcntl(*out, F_SETFL, ::fcntl(*out, F_GETFL) | O_NONBLOCK);
  return out;
}

class plain_stream : public tcp_stream {
public:
  plain_stream(int fd, int wake_fd) : fd_{fd}, wake_fd_{wake_fd} {}
  plain_stream(const plain_stream&) = delete;
  plain_stream& operator=(const plain_stream&) = delete;
  ~plain_stream() override { ::close(fd_); }

  result<std::size_t> read(char* into, std::size_t room, milliseconds limit) override {
    const auto until = steady_clock::now() + limit;
    while (true) {
      const auto got = ::recv(fd_, into, room, 0);
      if (got >= 0)
        return static_cast<std::size_t>(got);
      if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
        return io_error(std::strerror(errno));
      if (auto ready = wait(POLLIN, until); !ready)
        return ready.error();
    }
  }

  result<bool> write(const char* from, std::size_t size, milliseconds limit) override {
    while (size > 0) {
      const auto until = steady_clock::now() + limit;
      auto ready = wait(POLLOUT | POLLIN, until);
      if (!ready)
        return ready.error();
      if ((*ready & POLLIN) != 0)
        return false;
      const auto put = ::send(fd_, from, size, MSG_NOSIGNAL);
      if (put < 0 && (errno == EPIPE || errno == ECONNRESET))
        return false;
      if (put < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
        return io_error(std::strerror(errno));
      if (put > 0) {
        from += put;
        size -= static_cast<std::size_t>(put);
      }
    }
    return true;
  }

  bool disturbed() const override { return readable(fd_); }

protected:
  /// The events that came. timeout, cancelled.
  result<int> wait(int events, steady_clock::time_point until) const {
    while (true) {
      const auto left
        = std::chrono::duration_cast<milliseconds>(until - steady_clock::now()).count();
      pollfd both[2] = {{fd_, static_cast<short>(events), 0}, {wake_fd_, POLLIN, 0}};
      const int n = ::poll(both, wake_fd_ >= 0 ? 2 : 1, static_cast<int>(std::max<long>(0, left)));
      if (n < 0 && errno != EINTR)
        return io_error(std::strerror(errno));
      if (n > 0 && wake_fd_ >= 0 && both[1].revents != 0)
        return cancelled();
      if (n > 0)
        return static_cast<int>(both[0].revents);
      if (n == 0 && left <= 0)
        return error{errc::timeout, "There was no answer in time."};
    }
  }

  const int fd_;

private:
  const int wake_fd_;
};

class tls_stream final : public plain_stream {
public:
  tls_stream(int fd, int wake_fd, tls_client_ptr trust)
    : plain_stream{fd, wake_fd},
      trust_{std::move(trust)},
      ssl_{SSL_new(trust_->context.native_handle()), &SSL_free} {}

  result<void> shake_hands(const std::string& host, milliseconds limit) {
    boost::system::error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    auto* const ssl = ssl_.get();
    // RFC 6066, section 3: addresses are not names.
    const bool fine
      = not_numeric
          ? SSL_set_tlsext_host_name(ssl, host.c_str()) && SSL_set1_host(ssl, host.c_str())
          : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    if (!fine || SSL_set_fd(ssl, fd_) != 1)
      return io_error("The server's name cannot be sent.");
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const auto until = steady_clock::now() + limit;
    while (true) {
      ERR_clear_error();
      const int got = SSL_connect(ssl);
      if (got == 1)
        return {};
      if (auto next = wants(got, until); !next) {
        const auto trust = SSL_get_verify_result(ssl);
        if (trust != X509_V_OK)
          return io_error("The certificate of " + host
                          + " is not trusted: " + X509_verify_cert_error_string(trust) + ".");
        return next.error();
      }
    }
  }

  result<std::size_t> read(char* into, std::size_t room, milliseconds limit) override {
    const auto until = steady_clock::now() + limit;
    while (true) {
      ERR_clear_error();
      std::size_t n = 0;
      const int got = SSL_read_ex(ssl_.get(), into, room, &n);
      if (got == 1)
        return n;
      if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN)
        return std::size_t{0};
      if (auto next = wants(got, until); !next)
        return next.error();
    }
  }

  result<bool> write(const char* from, std::size_t size, milliseconds limit) override {
    while (size > 0) {
      const auto until = steady_clock::now() + limit;
      ERR_clear_error();
      std::size_t n = 0;
      const int got = SSL_write_ex(ssl_.get(), from, size, &n);
      if (got == 1) {
        from += n;
        size -= n;
        continue;
      }
      if (auto next = wants(got, until); !next)
        return next.error();
    }
    return true;
  }

private:
  /// What a call that could not go on waits for.
  result<void> wants(int got, steady_clock::time_point until) const {
    const int why = SSL_get_error(ssl_.get(), got);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
      return io_error("TLS failed: "
                      + (why == SSL_ERROR_SYSCALL
                           ? std::string{errno != 0 ? std::strerror(errno) : "it ended early"}
                           : std::string{"the server does not speak it as we do"}));
    auto ready = wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until);
    if (!ready)
      return ready.error();
    return {};
  }

  tls_client_ptr trust_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

} // namespace

result<std::unique_ptr<tcp_stream>> tcp_stream::connect(const tcp_target& to) {
  auto fd = connected_socket(to);
  if (!fd)
    return fd.error();
  if (!to.tls)
    return std::unique_ptr<tcp_stream>{std::make_unique<plain_stream>(*fd, to.wake_fd)};
  auto encrypted = std::make_unique<tls_stream>(*fd, to.wake_fd, to.tls);
  if (auto shaken = encrypted->shake_hands(to.host, to.connect); !shaken)
    return shaken.error();
  return std::unique_ptr<tcp_stream>{std::move(encrypted)};
}

} // namespace holt::http
