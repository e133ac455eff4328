// SPDX-License-Identifier: Apache-2.0
#pragma once

// Range, If-Range, If-Match and If-None-Match (RFC 9110, sections 13 and 14) of answers that are a
// file. Pure; any thread.

#include "transport/http_types.hpp"

namespace holt::http {

/// Which bytes of a body an answer has.
struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  bool part = false;       ///< 206
  bool satisfiable = true; ///< false: 416
};

/// `Range` of one part; several, another unit and what is malformed mean the whole.
byte_range select_range(std::string_view range, std::uint64_t size) noexcept;

/// Whether `etag` (quoted) stands in a list of them; `*` matches everything. Weak comparison takes
/// `W/"x"` for `"x"`.
bool etag_listed(std::string_view list, std::string_view etag, bool weak) noexcept;

/// What GET or HEAD of a file answers: 200, 206, 304 or 416 with ETag, Accept-Ranges and
/// Content-Range; the body is for the caller to put, `picked` says which bytes.
response file_response(const request& what, std::string_view etag, std::uint64_t size,
                       byte_range& picked);

} // namespace holt::http
