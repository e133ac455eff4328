// SPDX-License-Identifier: Apache-2.0
#include "transport/http_connect.hpp"

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/write.hpp>

#include <list>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds stagger{250}; // RFC 8305, section 5
constexpr std::size_t most_addresses = 16;
constexpr std::size_t largest_head = 16 * 1024;

class attempt final : public std::enable_shared_from_this<attempt> {
public:
  attempt(const strand_type& strand, route to, std::function<void(result<socket_type>)> done)
    : resolver_{strand},
      timer_{strand},
      winner_{strand},
      to_{std::move(to)},
      done_{std::move(done)} {}

  void begin(std::vector<tcp::endpoint> addresses) {
    addresses_ = std::move(addresses);
    next();
  }

  void begin() {
    const auto& host = to_.via ? to_.via->host : to_.host;
    const auto port = to_.via ? to_.via->port : to_.port;
    error_code not_numeric;
    const auto address = asio::ip::make_address(host, not_numeric);
    if (!not_numeric) {
      addresses_ = {tcp::endpoint{address, port}};
      next();
      return;
    }
    resolver_.async_resolve(
      host, std::to_string(port),
      [self = shared_from_this()](error_code ec, const tcp::resolver::results_type& found) {
        if (!self->done_)
          return;
        if (ec) {
          self->fail("its name could not be looked up: " + ec.message());
          return;
        }
        std::vector<tcp::endpoint> all;
        for (const auto& entry : found)
          all.push_back(entry.endpoint());
        self->addresses_ = in_turn(all);
        self->addresses_.resize(std::min(self->addresses_.size(), most_addresses));
        self->next();
      });
  }

  void give_up() {
    if (done_)
      fail("it was given up");
  }

private:
  /// Starts the next address, and a timer for the one after it.
  void next() {
    if (started_ == addresses_.size()) {
      if (trying_.empty())
        fail(first_error_ ? first_error_.message() : "there is no address");
      return;
    }
    const auto to = addresses_[started_++];
    trying_.emplace_back(winner_.get_executor());
    const auto one = std::prev(trying_.end());
    one->async_connect(to,
                       [self = shared_from_this(), one](error_code ec) { self->tried(one, ec); });
    if (started_ == addresses_.size())
      return;
    timer_.expires_after(stagger);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec && self->done_ && !self->won_)
        self->next();
    });
  }

  void tried(std::list<socket_type>::iterator one, error_code ec) {
    if (!done_ || won_) {
      trying_.erase(one);
      return;
    }
    if (ec) {
      if (!first_error_)
        first_error_ = ec;
      trying_.erase(one);
      timer_.cancel();
      next();
      return;
    }
    won_ = true;
    timer_.cancel();
    winner_ = std::move(*one);
    trying_.erase(one);
    error_code ignored;
    for (auto& other : trying_)
      other.close(ignored); // its handler erases it
    winner_.set_option(tcp::no_delay{true}, ignored);
    if (to_.via)
      ask_proxy();
    else
      succeed();
  }

  // -- the proxy

  void ask_proxy() {
    const auto target = authority(to_.host, to_.port);
    head_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    if (!to_.via->authorization.empty())
      head_ += "Proxy-Authorization: " + to_.via->authorization + "\r\n";
    head_ += "\r\n";
    asio::async_write(winner_, asio::buffer(head_),
                      [self = shared_from_this()](error_code ec, std::size_t) {
                        self->head_.clear();
                        if (!self->done_)
                          return;
                        if (ec)
                          self->fail_proxy(ec.message());
                        else
                          self->read_proxy();
                      });
  }

  /// Byte by byte: what follows the head belongs to the server behind.
  void read_proxy() {
    winner_.async_read_some(asio::buffer(&byte_, 1),
                            [self = shared_from_this()](error_code ec, std::size_t n) {
                              if (!self->done_)
                                return;
                              self->head_.append(&self->byte_, n);
                              if (ec)
                                self->fail_proxy(ec.message());
                              else if (self->head_.ends_with("\r\n\r\n"))
                                self->proxy_answered();
                              else if (self->head_.size() > largest_head)
                                self->fail_proxy("its answer is too long");
                              else
                                self->read_proxy();
                            });
  }

  void proxy_answered() {
    const auto line = head_.substr(0, head_.find('\r'));
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') {
      fail_proxy("its answer is no HTTP");
      return;
    }
    const auto status = line.substr(9, 3);
    if (status == "200")
      succeed();
    else if (status == "407")
      fail_proxy("it asks for other credentials (407)");
    else
      fail_proxy("it answered " + status);
  }

  // -- the end

  void fail_proxy(const std::string& why) {
    finish(error{errc::io, "The proxy " + authority(to_.via->host, to_.via->port)
                             + " made no connection: " + why + "."});
  }
  void fail(const std::string& why) {
    finish(error{errc::io, to_.via ? "The connection to the proxy failed: " + why + "."
                                   : "The connection failed: " + why});
  }
  void succeed() { finish(std::move(winner_)); }

  void finish(result<socket_type> what) {
    auto done = std::exchange(done_, nullptr);
    resolver_.cancel();
    timer_.cancel();
    error_code ignored;
    for (auto& other : trying_)
      other.close(ignored);
    winner_.close(ignored);
    done(std::move(what));
  }

  asio::ip::basic_resolver<tcp, strand_type> resolver_;
  timer_type timer_;
  socket_type winner_;
  route to_;
  std::function<void(result<socket_type>)> done_;
  std::vector<tcp::endpoint> addresses_;
  std::size_t started_ = 0;
  std::list<socket_type> trying_; ///< each until its handler was called
  error_code first_error_;
  bool won_ = false;
  std::string head_;
  char byte_ = 0;
};

} // namespace

std::function<void()> connect_to(const strand_type& strand, const route& to,
                                 std::function<void(result<socket_type>)> done) {
  const auto one = std::make_shared<attempt>(strand, to, std::move(done));
  one->begin();
  return [weak = std::weak_ptr{one}] {
    if (const auto live = weak.lock())
      live->give_up();
  };
}

std::function<void()> connect_to_any(const strand_type& strand,
                                     std::vector<tcp::endpoint> addresses,
                                     std::function<void(result<socket_type>)> done) {
  const auto one = std::make_shared<attempt>(strand, route{}, std::move(done));
  one->begin(std::move(addresses));
  return [weak = std::weak_ptr{one}] {
    if (const auto live = weak.lock())
      live->give_up();
  };
}

std::vector<tcp::endpoint> in_turn(const std::vector<tcp::endpoint>& addresses) {
  std::list<tcp::endpoint> rest{addresses.begin(), addresses.end()};
  std::vector<tcp::endpoint> out;
  while (!rest.empty()) {
    auto next = rest.begin();
    if (!out.empty())
      next = std::find_if(rest.begin(), rest.end(), [&](const tcp::endpoint& one) {
        return one.address().is_v6() != out.back().address().is_v6();
      });
    if (next == rest.end())
      next = rest.begin();
    out.push_back(*next);
    rest.erase(next);
  }
  return out;
}

std::string authority(const std::string& host, std::uint16_t port) {
  auto out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == 0 ? out : out + ":" + std::to_string(port);
}

} // namespace holt::http
