// SPDX-License-Identifier: Apache-2.0
#include "transport/http_parser.hpp"

#include "transport/url.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <limits>

namespace holt::http {

namespace beast = boost::beast;

struct message_parser::impl {
  beast::http::request_parser<beast::http::string_body> parser;
};

message_parser::message_parser() = default;
message_parser::~message_parser() = default;

result<request> message_parser::start(std::string_view head, const framing& frame) {
  impl_ = std::make_unique<impl>();
  auto& parser = impl_->parser;
  parser.header_limit(static_cast<std::uint32_t>(
    std::min<std::size_t>(head.size() + 1024, std::numeric_limits<std::uint32_t>::max())));
  parser.body_limit(boost::none); // the real one comes with body_limit()
  parser.eager(false);
  beast::error_code ec;
  const auto used = parser.put(boost::asio::buffer(head), ec);
  const bool framed_alike = parser.is_header_done() && parser.chunked() == frame.chunked
                            && parser.content_length().value_or(0) == frame.content_length;
  if (ec || used != head.size() || !framed_alike)
    return error{errc::invalid_request, "The header is malformed."};
  auto& message = parser.get();
  request out;
  out.method = std::string{message.method_string()};
  out.target = std::string{message.target()};
  auto target = url::parse_target(out.target);
  if (!target)
    return target.error();
  out.path = std::move(target->path);
  out.query = std::move(target->query);
  for (const auto& field : message)
    out.headers.push_back({std::string{field.name_string()}, std::string{field.value()}});
  return out;
}

void message_parser::body_limit(std::uint64_t bytes) {
  if (impl_)
    impl_->parser.body_limit(bytes);
}

result<std::size_t> message_parser::feed(std::string_view bytes, std::size_t max_pending) {
  auto& parser = impl_->parser;
  std::size_t used = 0;
  while (!parser.is_done() && used < bytes.size()) {
    beast::error_code ec;
    const auto n = parser.put(boost::asio::buffer(bytes.substr(used)), ec);
    used += n;
    if (ec == beast::http::error::need_more)
      break;
    if (ec == beast::http::error::body_limit)
      return error{errc::payload_too_large, {}};
    if (ec)
      return error{errc::invalid_request, "The body is malformed."};
    if (n == 0)
      break;
  }
  if (!parser.is_done() && bytes.size() - used > max_pending)
    return error{errc::invalid_request, "A chunk of the body has an endless header."};
  return used;
}

bool message_parser::done() const {
  return impl_->parser.is_done();
}

std::string message_parser::take_body() {
  return std::move(impl_->parser.get().body());
}

void message_parser::reset() {
  impl_.reset();
}

} // namespace holt::http
