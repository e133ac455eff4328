// SPDX-License-Identifier: Apache-2.0
#include "client/exchange.hpp"

#include "transport/tcp_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <charconv>

namespace holt::client {

namespace {

namespace beast = boost::beast;
using boost::system::error_code;
using std::chrono::milliseconds;
using parser = beast::http::response_parser<beast::http::buffer_body>;

constexpr std::size_t read_bytes = 256 * 1024;
constexpr milliseconds write_limit{60'000}; ///< without any progress

error malformed(const error_code& why) {
  return {errc::io, "The answer is malformed: " + why.message()};
}

error ended_early() {
  return {errc::io, "The connection ended before the answer did."};
}

std::string authority(const endpoint& to) {
  const auto usual = to.tls ? 443 : 80;
  auto name = to.host.find(':') == std::string::npos ? to.host : "[" + to.host + "]";
  return to.port == usual ? name : name + ":" + std::to_string(to.port);
}

} // namespace

struct exchange::inside {
  std::optional<parser> in;
  std::vector<char> buffer = std::vector<char>(read_bytes);
  std::size_t from = 0; ///< of what came and was not parsed
  std::size_t to = 0;
  bool busy = false; ///< between begin() and the answer's end
  bool headless = false;

  boost::asio::const_buffer waiting() const { return {buffer.data() + from, to - from}; }
};

result<std::unique_ptr<exchange>> exchange::open(const endpoint& to, int wake_fd) {
  http::tcp_target where;
  where.host = to.host;
  where.port = to.port;
  where.tls = to.tls;
  where.via = to.via;
  where.wake_fd = wake_fd;
  auto stream = http::tcp_stream::connect(where);
  if (!stream && stream.error().code == errc::cancelled)
    return stream.error();
  if (!stream)
    return error{errc::no_daemon, "no daemon answers at " + to.url + ": " + stream.error().detail};
  return std::unique_ptr<exchange>{new exchange(to, std::move(*stream))};
}

exchange::exchange(const endpoint& to, std::unique_ptr<http::tcp_stream> stream)
  : to_{to}, stream_{std::move(stream)}, in_{std::make_unique<inside>()} {}

exchange::~exchange() = default;

bool exchange::reusable() const {
  return !in_->busy && in_->from == in_->to && (!in_->in || in_->in->keep_alive())
         && !stream_->disturbed();
}

result<void> exchange::begin(const outgoing& what) {
  in_->in.emplace();
  in_->in->body_limit(boost::none);
  in_->in->header_limit(64 * 1024);
  in_->in->eager(false);
  in_->headless = what.method == "HEAD";
  in_->in->skip(in_->headless);
  in_->busy = true;
  chunked_ = what.streamed && !what.size;
  std::string out = what.method + " " + to_.prefix + what.target
                    + " HTTP/1.1\r\nHost: " + authority(to_) + "\r\n";
  if (!to_.token.empty())
    out.append("Authorization: Bearer ").append(to_.token.reveal()).append("\r\n");
  for (const auto& h : what.headers) {
    if ((h.name + h.value).find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
      return error{errc::usage, "a header cannot hold a line's end"};
    out.append(h.name).append(": ").append(h.value).append("\r\n");
  }
  if (chunked_)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (what.streamed || !what.body.empty() || what.method == "POST" || what.method == "PUT")
    out.append("Content-Length: ")
      .append(std::to_string(what.streamed ? *what.size : what.body.size()))
      .append("\r\n");
  out.append("\r\n").append(what.body);
  auto sent = stream_->write(out.data(), out.size(), write_limit);
  if (!sent)
    return sent.error();
  return {};
}

result<bool> exchange::write(std::string_view piece) {
  if (piece.empty())
    return true;
  if (!chunked_)
    return stream_->write(piece.data(), piece.size(), write_limit);
  char size[20];
  auto* const end = std::to_chars(size, size + 16, piece.size(), 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  for (auto part : {std::string_view{size, static_cast<std::size_t>(end + 2 - size)}, piece,
                    std::string_view{"\r\n"}}) {
    auto sent = stream_->write(part.data(), part.size(), write_limit);
    if (!sent || !*sent)
      return sent;
  }
  return true;
}

result<void> exchange::end() {
  if (!chunked_)
    return {};
  auto sent = stream_->write("0\r\n\r\n", 5, write_limit);
  if (!sent)
    return sent.error();
  return {};
}

result<http::response> exchange::head(milliseconds limit) {
  auto& in = *in_->in;
  while (true) {
    error_code bad;
    while (in_->from < in_->to && !in.is_header_done() && !bad)
      in_->from += in.put(in_->waiting(), bad);
    if (bad && bad != beast::http::error::need_more)
      return malformed(bad);
    if (in.is_header_done())
      break;
    if (in_->from == in_->to)
      in_->from = in_->to = 0;
    if (in_->to == in_->buffer.size())
      return error{errc::io, "The answer's head is too large."};
    auto got = stream_->read(in_->buffer.data() + in_->to, in_->buffer.size() - in_->to, limit);
    if (!got)
      return got.error();
    if (*got == 0)
      return ended_early();
    in_->to += *got;
  }
  in.eager(true);
  in_->busy = !in.is_done();
  http::response out;
  out.status = in.get().result_int();
  for (const auto& field : in.get())
    out.headers.push_back({std::string{field.name_string()}, std::string{field.value()}});
  return out;
}

result<std::size_t> exchange::read(char* into, std::size_t room, milliseconds quiet) {
  auto& in = *in_->in;
  while (true) {
    if (in.is_done()) {
      in_->busy = false;
      return std::size_t{0};
    }
    auto& body = in.get().body();
    body.data = into;
    body.size = room;
    body.more = true;
    error_code bad;
    while (in_->from < in_->to && !in.is_done() && !bad && body.size > 0)
      in_->from += in.put(in_->waiting(), bad);
    if (bad && bad != beast::http::error::need_more && bad != beast::http::error::need_buffer)
      return malformed(bad);
    if (body.size < room)
      return room - body.size;
    if (in.is_done())
      continue;
    if (in_->from > 0) {
      std::copy(in_->buffer.begin() + static_cast<std::ptrdiff_t>(in_->from),
                in_->buffer.begin() + static_cast<std::ptrdiff_t>(in_->to), in_->buffer.begin());
      in_->to -= in_->from;
      in_->from = 0;
    }
    auto got = stream_->read(in_->buffer.data() + in_->to, in_->buffer.size() - in_->to, quiet);
    if (!got)
      return got.error();
    if (*got == 0) {
      in.put_eof(bad);
      if (bad || !in.is_done())
        return ended_early();
    }
    in_->to += *got;
  }
}

result<std::string> exchange::rest(std::size_t most, milliseconds quiet) {
  std::string out;
  std::size_t used = 0;
  while (true) {
    constexpr std::size_t step = 64 * 1024;
    if (out.size() - used < step)
      out.resize(used + step);
    auto got = read(out.data() + used, out.size() - used, quiet);
    if (!got)
      return got.error();
    if (*got == 0)
      break;
    used += *got;
    if (used > most)
      return error{errc::payload_too_large, "The answer is too large."};
  }
  out.resize(used);
  return out;
}

} // namespace holt::client
