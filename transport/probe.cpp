// SPDX-License-Identifier: Apache-2.0

#include "transport/probe.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <unistd.h>
#include <utility>
#include <vector>

namespace holt::probe {
namespace asio = boost::asio;
namespace {

using boost::system::error_code;
using generic = asio::generic::stream_protocol;

constexpr std::size_t most_bytes = 256 * 1024; ///< of one answer; an X setup has a few KiB
constexpr std::size_t most_xauthority = 64 * 1024;

/// Says something and waits for an answer: `enough` takes what came so far and answers whether
/// that is all of it, or why it is wrong.
struct question {
  std::string say;
  std::function<result<bool>(std::string_view)> enough; ///< empty: no answer is waited for
};

/// One conversation. Keeps itself alive until it has called back.
class talk : public std::enable_shared_from_this<talk> {
public:
  talk(asio::any_io_executor where, std::string name, std::vector<question> questions, done call)
    : strand_(asio::make_strand(std::move(where))),
      socket_(strand_),
      timer_(strand_),
      name_(std::move(name)),
      questions_(std::move(questions)),
      call_(std::move(call)) {}

  void start(generic::endpoint to, milliseconds limit) {
    auto self = shared_from_this();
    asio::dispatch(strand_, [self, to, limit] {
      self->timer_.expires_after(limit);
      self->timer_.async_wait([self](error_code ec) {
        if (!ec)
          self->finish(error{errc::timeout, self->name_ + " does not answer."});
      });
      self->socket_.async_connect(to, [self](error_code ec) {
        if (ec)
          self->fail(ec);
        else
          self->ask();
      });
    });
  }

private:
  void ask() {
    if (next_ == questions_.size()) {
      finish({});
      return;
    }
    auto self = shared_from_this();
    asio::async_write(socket_, asio::buffer(questions_[next_].say),
                      [self](error_code ec, std::size_t) {
                        if (ec)
                          self->fail(ec);
                        else
                          self->listen();
                      });
  }

  void listen() {
    auto self = shared_from_this();
    socket_.async_read_some(asio::buffer(buffer_), [self](error_code ec, std::size_t n) {
      if (ec) {
        self->fail(ec);
        return;
      }
      self->heard_.append(self->buffer_.data(), n);
      const auto all = self->questions_[self->next_].enough(self->heard_);
      if (!all) {
        self->finish(all.error());
      } else if (*all) {
        self->heard_.clear();
        ++self->next_;
        self->ask();
      } else if (self->heard_.size() > most_bytes) {
        self->finish(error{errc::io, self->name_ + " answers without an end."});
      } else {
        self->listen();
      }
    });
  }

  void fail(error_code ec) {
    finish(error{errc::io,
                 self_name()
                   + (ec == asio::error::eof ? "closed the connection." : ec.message() + ".")});
  }
  std::string self_name() const { return name_ + ": "; }

  void finish(result<void> what) {
    auto call = std::exchange(call_, {});
    if (!call)
      return; // the limit and an answer came together
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    call(std::move(what));
  }

  asio::strand<asio::any_io_executor> strand_;
  generic::socket socket_;
  asio::steady_timer timer_;
  std::string name_;
  std::vector<question> questions_;
  done call_;
  std::size_t next_ = 0;
  std::string heard_;
  std::array<char, 4096> buffer_{};
};

/// Nothing for a name that is none.
std::optional<generic::endpoint> unix_endpoint(const std::string& path) {
  auto name = path;
  if (!name.empty() && name.front() == '@')
    name.front() = '\0';
  if (name.empty() || name.size() > 107)
    return std::nullopt;
  return generic::endpoint{asio::local::stream_protocol::endpoint{name}};
}

void start(asio::any_io_executor where, std::optional<generic::endpoint> to, std::string name,
           std::vector<question> questions, milliseconds limit, done call) {
  if (!to) {
    asio::post(where, [call = std::move(call), name] {
      call(error{errc::io, name + ": no path of a socket."});
    });
    return;
  }
  std::make_shared<talk>(where, std::move(name), std::move(questions), std::move(call))
    ->start(*to, limit);
}

std::string text_of(const asio::ip::tcp::endpoint& to) {
  return to.address().to_string() + " port " + std::to_string(to.port());
}

// -- X11 (protocol version 11, appendix B: setup, GetInputFocus), in the byte order of this machine

template <class Number>
void put(std::string& out, Number value) {
  std::array<char, sizeof(Number)> raw{};
  std::memcpy(raw.data(), &value, sizeof value);
  out.append(raw.data(), raw.size());
}

void put_padded(std::string& out, std::string_view bytes) {
  out += bytes;
  out.append((4 - bytes.size() % 4) % 4, '\0');
}

constexpr std::string_view cookie_name = "MIT-MAGIC-COOKIE-1";

std::string x11_setup(std::string_view cookie) {
  const std::uint16_t one = 1;
  const bool little = *reinterpret_cast<const std::uint8_t*>(&one) == 1;
  const auto name = cookie.empty() ? std::string_view{} : cookie_name;
  std::string out{little ? 'l' : 'B', '\0'};
  put<std::uint16_t>(out, 11);
  put<std::uint16_t>(out, 0);
  put<std::uint16_t>(out, static_cast<std::uint16_t>(name.size()));
  put<std::uint16_t>(out, static_cast<std::uint16_t>(cookie.size()));
  put<std::uint16_t>(out, 0);
  put_padded(out, name);
  put_padded(out, cookie);
  return out;
}

result<bool> x11_setup_answer(std::string_view heard) {
  if (heard.size() < 8)
    return false;
  std::uint16_t words = 0;
  std::memcpy(&words, heard.data() + 6, sizeof words);
  const std::size_t whole = 8 + std::size_t{words} * 4;
  if (heard.size() < whole)
    return false;
  if (heard.front() == 1)
    return true;
  const auto length = static_cast<std::uint8_t>(heard[1]);
  const auto why = heard.front() == 0 ? heard.substr(8, length) : std::string_view{"no cookie"};
  return error{errc::io, "The X server lets nobody in: " + std::string(why)};
}

result<bool> x11_reply(std::string_view heard) {
  if (heard.size() < 32)
    return false;
  if (heard.front() == 1)
    return true;
  return error{errc::io, "The X server answers with an error."};
}

} // namespace

void unix_socket(asio::any_io_executor where, const std::string& path, milliseconds limit,
                 done call) {
  start(where, unix_endpoint(path), "The socket " + path, {}, limit, std::move(call));
}

void tcp(asio::any_io_executor where, asio::ip::tcp::endpoint to, milliseconds limit, done call) {
  start(where, generic::endpoint{to}, text_of(to), {}, limit, std::move(call));
}

void http_get(asio::any_io_executor where, asio::ip::tcp::endpoint to, const std::string& target,
              milliseconds limit, done call) {
  const auto host
    = to.address().is_v6() ? "[" + to.address().to_string() + "]" : to.address().to_string();
  question get;
  get.say = "GET " + target + " HTTP/1.1\r\nHost: " + host + ":" + std::to_string(to.port())
            + "\r\nConnection: close\r\nUser-Agent: holt-probe\r\n\r\n";
  get.enough = [target](std::string_view heard) -> result<bool> {
    const auto end = heard.find("\r\n");
    if (end == std::string_view::npos)
      return false;
    const auto line = heard.substr(0, end);
    if ((line.rfind("HTTP/1.1 ", 0) != 0 && line.rfind("HTTP/1.0 ", 0) != 0) || line.size() < 12)
      return error{errc::io, target + " is answered by something else than HTTP."};
    if (line.substr(9, 3) == "200" && (line.size() == 12 || line[12] == ' '))
      return true;
    return error{errc::io, target + " is answered with " + std::string(line.substr(9, 3)) + "."};
  };
  start(where, generic::endpoint{to}, text_of(to), {get}, limit, std::move(call));
}

void x11_display(asio::any_io_executor where, int number, const std::string& xauthority,
                 milliseconds limit, done call) {
  std::string cookie;
  if (!xauthority.empty()) {
    std::ifstream in{xauthority, std::ios::binary};
    std::string file(most_xauthority, '\0');
    in.read(file.data(), static_cast<std::streamsize>(file.size()));
    file.resize(static_cast<std::size_t>(in.gcount()));
    cookie = xauthority_cookie(file, number);
  }
  const auto path = "/tmp/.X11-unix/X" + std::to_string(number);
  const bool file = ::access(path.c_str(), F_OK) == 0; // else the server has the abstract name only
  std::string focus;
  put<std::uint8_t>(focus, 43);
  put<std::uint8_t>(focus, 0);
  put<std::uint16_t>(focus, 1);
  start(where, unix_endpoint((file ? "" : "@") + path), "Display :" + std::to_string(number),
        {{x11_setup(cookie), x11_setup_answer}, {focus, x11_reply}}, limit, std::move(call));
}

std::string xauthority_entry(std::string_view cookie) {
  std::string out;
  const auto field = [&](std::string_view bytes) {
    out.push_back(static_cast<char>(bytes.size() >> 8));
    out.push_back(static_cast<char>(bytes.size() & 0xFF));
    out += bytes;
  };
  out += "\xFF\xFF"; // FamilyWild: any host; the empty number: any display
  field("");
  field("");
  field(cookie_name);
  field(cookie);
  return out;
}

std::string xauthority_cookie(std::string_view file, int number) {
  const auto wanted = std::to_string(number);
  std::string any;
  const auto two = [&](std::size_t at) {
    return (std::size_t{static_cast<std::uint8_t>(file[at])} << 8)
           | std::size_t{static_cast<std::uint8_t>(file[at + 1])};
  };
  while (file.size() >= 2) {
    const auto family = two(0);
    file.remove_prefix(2);
    std::array<std::string_view, 4> fields; // address, number, name, data
    for (auto& field : fields) {
      if (file.size() < 2 || file.size() - 2 < two(0))
        return any; // damaged from here on
      field = file.substr(2, two(0));
      file.remove_prefix(2 + field.size());
    }
    const bool local = family == 256 || family == 65535; // FamilyLocal, FamilyWild
    if (!local || fields[2] != cookie_name)
      continue;
    if (fields[1] == wanted)
      return std::string(fields[3]);
    if (fields[1].empty() && any.empty())
      any = fields[3];
  }
  return any;
}

// -- readiness by descriptor

namespace {

class number_reader : public std::enable_shared_from_this<number_reader> {
public:
  number_reader(asio::any_io_executor where, std::function<void(result<int>)> call)
    : strand_(asio::make_strand(std::move(where))),
      pipe_(strand_),
      timer_(strand_),
      call_(std::move(call)) {}

  void start(int fd, milliseconds limit) {
    auto self = shared_from_this();
    asio::dispatch(strand_, [self, fd, limit] {
      error_code ec;
      self->pipe_.assign(fd, ec);
      if (ec) {
        ::close(fd);
        self->finish(error{errc::io, "Cannot read a readiness descriptor: " + ec.message()});
        return;
      }
      self->timer_.expires_after(limit);
      self->timer_.async_wait([self](error_code stopped) {
        if (!stopped)
          self->finish(error{errc::timeout, "It did not say that it is ready."});
      });
      self->read();
    });
  }

private:
  void read() {
    auto self = shared_from_this();
    pipe_.async_read_some(asio::buffer(buffer_), [self](error_code ec, std::size_t n) {
      self->text_.append(self->buffer_.data(), n);
      const auto end = self->text_.find('\n');
      if (end != std::string::npos)
        self->finish(parse(self->text_.substr(0, end)));
      else if (ec)
        self->finish(error{errc::io, "It ended before it was ready."});
      else if (self->text_.size() > 64)
        self->finish(error{errc::io, "It wrote no number when it was ready."});
      else
        self->read();
    });
  }

  static result<int> parse(const std::string& line) {
    int number = 0;
    const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (!line.empty() && (ec != std::errc{} || end != line.data() + line.size() || number < 0))
      return error{errc::io, "It wrote no number when it was ready."};
    return number;
  }

  void finish(result<int> what) {
    auto call = std::exchange(call_, {});
    if (!call)
      return;
    timer_.cancel();
    error_code ignored;
    pipe_.close(ignored);
    call(std::move(what));
  }

  asio::strand<asio::any_io_executor> strand_;
  asio::posix::stream_descriptor pipe_;
  asio::steady_timer timer_;
  std::function<void(result<int>)> call_;
  std::string text_;
  std::array<char, 64> buffer_{};
};

} // namespace

void read_number(asio::any_io_executor where, int fd, milliseconds limit,
                 std::function<void(result<int>)> call) {
  std::make_shared<number_reader>(std::move(where), std::move(call))->start(fd, limit);
}

} // namespace holt::probe
