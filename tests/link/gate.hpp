// SPDX-License-Identifier: Apache-2.0
#pragma once

// A TCP gate before a server: ends TLS, plays an HTTP proxy, and breaks connections at an exact
// byte (end, reset, silence, garbage). Serves one fault per connection, in order, then none. One
// thread of its own.

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace holt::test {

struct fault {
  enum class kind { none, end, reset, stall, garbage };
  kind what = kind::none;
  bool upwards = true; ///< counts bytes of the client; else those of the server
  std::size_t at = 0;  ///< after so many of them
};

class gate {
public:
  using tcp = boost::asio::ip::tcp;

  /// `target` 0: where the CONNECT says (only on loopback).
  explicit gate(std::uint16_t target,
                boost::asio::ip::address where = boost::asio::ip::address_v4::loopback())
    : target_{target}, acceptor_{io_, tcp::endpoint{where, 0}} {
    port = acceptor_.local_endpoint().port();
  }
  ~gate() {
    work_.reset();
    io_.stop();
    if (thread_.joinable())
      thread_.join();
  }

  void use_tls(const std::string& certificate, const std::string& key) {
    tls_.emplace(boost::asio::ssl::context::tls_server);
    tls_->use_certificate_chain_file(certificate);
    tls_->use_private_key_file(key, boost::asio::ssl::context::pem);
    SSL_CTX_set_tlsext_servername_callback(tls_->native_handle(), &gate::on_name);
    SSL_CTX_set_tlsext_servername_arg(tls_->native_handle(), this);
  }
  /// Asks for these credentials (`Basic …`), or for none when empty.
  void use_proxy(std::string credentials) {
    proxy_ = true;
    credentials_ = std::move(credentials);
  }
  void break_next(std::vector<fault> faults) { faults_.assign(faults.begin(), faults.end()); }
  void start() {
    accept();
    thread_ = std::thread{[this] { io_.run(); }};
  }

  std::string asked_for() const { // the last CONNECT's target
    const std::lock_guard lock{mutex_};
    return asked_;
  }
  std::string server_name() const { // the last SNI
    const std::lock_guard lock{mutex_};
    return name_;
  }

  std::uint16_t port = 0;
  std::atomic<int> connections{0};
  std::atomic<std::size_t> up{0};   ///< bytes of the clients
  std::atomic<std::size_t> down{0}; ///< bytes of the server

private:
  static int on_name(SSL* ssl, int*, void* self) {
    auto& me = *static_cast<gate*>(self);
    const auto* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const std::lock_guard lock{me.mutex_};
    me.name_ = name ? name : "";
    return SSL_TLSEXT_ERR_OK;
  }

  template <class Front>
  struct relay : std::enable_shared_from_this<relay<Front>> {
    relay(gate& owner, Front client, fault how)
      : of{owner}, front{std::move(client)}, back{owner.io_}, plan{how} {}

    void begin() {
      if (of.proxy_)
        read_head();
      else
        open(of.target_);
    }

    void read_head() {
      front.async_read_some(boost::asio::buffer(byte),
                            [self = this->shared_from_this()](auto ec, std::size_t n) {
                              if (ec)
                                return;
                              self->head.append(self->byte.data(), n);
                              if (self->head.ends_with("\r\n\r\n"))
                                self->answer_head();
                              else if (self->head.size() < 8192)
                                self->read_head();
                            });
    }

    void answer_head() {
      const auto first = head.substr(0, head.find("\r\n"));
      const auto target = first.substr(8, first.rfind(' ') - 8);
      const bool known
        = of.credentials_.empty()
          || head.find("\r\nProxy-Authorization: " + of.credentials_ + "\r\n") != std::string::npos;
      {
        const std::lock_guard lock{of.mutex_};
        of.asked_ = target;
      }
      const auto port
        = of.target_ != 0
            ? of.target_
            : static_cast<std::uint16_t>(std::stoi(target.substr(target.rfind(':') + 1)));
      head = known ? "HTTP/1.1 200 Connection established\r\nVia: gate\r\n\r\n"
                   : "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
      boost::asio::async_write(front, boost::asio::buffer(head),
                               [self = this->shared_from_this(), known, port](auto ec, auto) {
                                 if (!ec && known)
                                   self->open(port);
                               });
    }

    void open(std::uint16_t port) {
      back.async_connect(tcp::endpoint{boost::asio::ip::address_v4::loopback(), port},
                         [self = this->shared_from_this()](auto ec) {
                           if (ec)
                             return;
                           boost::system::error_code ignored;
                           self->back.set_option(tcp::no_delay{true}, ignored);
                           self->pump(self->front, self->back, self->up_bytes, true);
                           self->pump(self->back, self->front, self->down_bytes, false);
                         });
    }

    template <class From, class To>
    void pump(From& from, To& to, std::array<char, 16384>& buffer, bool upwards) {
      from.async_read_some(
        boost::asio::buffer(buffer),
        [self = this->shared_from_this(), &from, &to, &buffer, upwards](auto ec, std::size_t n) {
          if (ec) {
            self->end();
            return;
          }
          auto& seen = upwards ? self->seen_up : self->seen_down;
          (upwards ? self->of.up : self->of.down) += n;
          auto pass = n;
          const bool hit = self->plan.what != fault::kind::none && self->plan.upwards == upwards
                           && seen + n >= self->plan.at;
          if (hit)
            pass = self->plan.at - std::min(seen, self->plan.at);
          seen += n;
          boost::asio::async_write(
            to, boost::asio::buffer(buffer.data(), pass),
            [self, &from, &to, &buffer, upwards, hit](auto failed, std::size_t) {
              if (failed)
                self->end();
              else if (hit)
                self->strike();
              else
                self->pump(from, to, buffer, upwards);
            });
        });
    }

    void strike() {
      switch (plan.what) {
      case fault::kind::stall: // nothing more is read, nothing closed
        of.held_.push_back([self = this->shared_from_this()] { self->end(); });
        return;
      case fault::kind::garbage:
        boost::asio::async_write(front, boost::asio::buffer(junk),
                                 [self = this->shared_from_this()](auto, auto) { self->end(); });
        return;
      case fault::kind::reset: {
        boost::system::error_code ignored;
        front.lowest_layer().set_option(boost::asio::socket_base::linger{true, 0}, ignored);
        end();
        return;
      }
      default: end();
      }
    }

    void end() {
      boost::system::error_code ignored;
      front.lowest_layer().close(ignored);
      back.close(ignored);
    }

    gate& of;
    Front front;
    tcp::socket back;
    fault plan;
    std::array<char, 1> byte{};
    std::string head;
    std::array<char, 16384> up_bytes{};
    std::array<char, 16384> down_bytes{};
    std::size_t seen_up = 0;
    std::size_t seen_down = 0;
    const std::string junk = std::string("\xff\x00\x7fgarbage\x81\xfe\xff\xff", 14) + "HTTP/0.9";
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code ec, tcp::socket socket) {
      if (ec)
        return;
      ++connections;
      boost::system::error_code ignored;
      socket.set_option(tcp::no_delay{true}, ignored);
      fault plan;
      if (!faults_.empty()) {
        plan = faults_.front();
        faults_.pop_front();
      }
      if (tls_) {
        using stream = boost::asio::ssl::stream<tcp::socket>;
        const auto one
          = std::make_shared<relay<stream>>(*this, stream{std::move(socket), *tls_}, plan);
        one->front.async_handshake(boost::asio::ssl::stream_base::server, [one](auto failed) {
          if (!failed)
            one->begin();
        });
      } else {
        std::make_shared<relay<tcp::socket>>(*this, std::move(socket), plan)->begin();
      }
      accept();
    });
  }

  std::uint16_t target_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
    io_.get_executor()};
  tcp::acceptor acceptor_;
  std::optional<boost::asio::ssl::context> tls_;
  bool proxy_ = false;
  std::string credentials_;
  std::deque<fault> faults_;
  std::vector<std::function<void()>> held_;
  mutable std::mutex mutex_;
  std::string asked_;
  std::string name_;
  std::thread thread_;
};

} // namespace holt::test
