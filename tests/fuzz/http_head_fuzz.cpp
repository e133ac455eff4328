// SPDX-License-Identifier: Apache-2.0

// A connection's first bytes: guard, parser, body. What the guard lets through must be read by
// Beast the same way.

#include "tests/fuzz/fuzz.hpp"
#include "transport/http_parser.hpp"

using namespace holt::http;

FUZZ(http_head) {
  const head_limits limits;
  auto bytes = fuzz::text(data);
  const auto length = find_head(bytes, limits);
  if (!length || *length == 0)
    return;
  fuzz::must(*length <= bytes.size() && *length <= limits.bytes, "the head is within its limit");
  const auto head = bytes.substr(0, *length);
  const auto frame = check_framing(head, limits);
  if (!frame)
    return;
  message_parser parser;
  const auto got = parser.start(head, *frame);
  if (!got)
    return;
  fuzz::must(!got->path.empty() && got->path.front() == '/', "a path starts with a slash");
  fuzz::must(got->headers.size() <= limits.fields, "fields are limited");
  for (const auto& one : got->headers)
    fuzz::must(one.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos,
               "no line ends in a value");
  check_host({}, got->header_value("host")).has_value();
  check_origin({}, got->path, got->header_value("host"), got->header_value("origin")).has_value();
  is_preflight(*got);
  parser.body_limit(1000);
  auto body = bytes.substr(*length);
  while (!parser.done() && !body.empty()) {
    const auto used = parser.feed(body, 4096);
    if (!used || *used == 0)
      return;
    fuzz::must(*used <= body.size(), "no more is used than there is");
    body.remove_prefix(*used);
  }
  const auto taken = parser.take_body();
  fuzz::must(taken.size() <= 1000, "the body is within its limit");
  if (parser.done() && !frame->chunked)
    fuzz::must(taken.size() == frame->content_length, "guard and parser agree on the length");
}
