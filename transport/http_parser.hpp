// SPDX-License-Identifier: Apache-2.0
#pragma once

// Beast's request parser behind a plain interface: head bytes in, a request out, then the body in
// pieces. Internal to transport/. Used on one strand; does no I/O; sees only what the guard passed.

#include "transport/guard.hpp"

#include <memory>

namespace holt::http {

class message_parser {
public:
  message_parser();
  message_parser(const message_parser&) = delete;
  message_parser& operator=(const message_parser&) = delete;
  ~message_parser();

  /// A whole header that check_framing accepted. peer, local and body stay empty.
  result<request> start(std::string_view head, const framing& frame);
  void body_limit(std::uint64_t bytes);
  /// Bytes of the body; how many of them were used. Errors: `payload_too_large`,
  /// `invalid_request` (also when more than `max_pending` bytes cannot be used yet).
  result<std::size_t> feed(std::string_view bytes, std::size_t max_pending);
  bool done() const;
  std::string take_body();
  void reset();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace holt::http
