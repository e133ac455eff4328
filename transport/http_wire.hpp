// SPDX-License-Identifier: Apache-2.0
#pragma once

// The head of an answer as bytes. Pure; any thread.

#include "transport/http_types.hpp"

namespace holt::http {

struct wire_options {
  bool keep_alive = true;
  bool head_request = false;     ///< the body is not sent; its length is said
  std::uint64_t file_length = 0; ///< bytes of a body that is not in the response
  bool stream = false;           ///< the length is not known …
  bool chunked = true;           ///< … and it goes in chunks, else until the connection ends
};

/// Status line and headers with the blank line. Adds Date, Content-Length, Connection and, where
/// absent, `X-Content-Type-Options: nosniff` and `Cache-Control: no-store`. A header that would
/// break the framing (CR, LF, NUL, or one of those that are added here) is left out.
std::string response_head(const response& what, const wire_options& how);

/// True when an answer with this status carries a body.
bool may_have_body(unsigned status) noexcept;

/// The reason phrase.
std::string_view reason_phrase(unsigned status) noexcept;

} // namespace holt::http
