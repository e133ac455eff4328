// SPDX-License-Identifier: Apache-2.0
#pragma once

// Request targets and percent-encoding, strictly: what is malformed is an error, never a guess.
// Pure functions over bytes; any thread; they hold no state and never throw on outside input.

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holt::url {

/// Decodes %XX. `plus_is_space`: also '+' to ' ', as in form fields. Error: a malformed escape.
result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// Encodes all but the unreserved characters of RFC 3986 (section 2.3).
std::string percent_encode(std::string_view text);

/// `a=b&c` to decoded pairs, in order. Empty pieces are skipped. Error: a malformed escape.
result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text);

struct target {
  std::string path; ///< starts with '/', still encoded
  std::vector<std::pair<std::string, std::string>> query;
};

/// A request target in origin form (`/path?query`). Error: any other form, a fragment, a
/// backslash, or a byte outside of printable ASCII.
result<target> parse_target(std::string_view text);

struct absolute {
  std::string scheme;     ///< lower case
  std::string userinfo;   ///< still encoded; may be a secret
  std::string host;       ///< lower case; an IPv6 address without its brackets
  std::uint16_t port = 0; ///< that of the scheme when none is given
  std::string target;     ///< path and query, starts with '/'
};

/// `http`, `https`, `ws` or `wss` and a host. Error: any other scheme, a bad port or host, a
/// fragment, a byte outside of printable ASCII.
result<absolute> parse_absolute(std::string_view text);

/// Decoded segments: "/" has none, "/a/" has "a" and "". Error: a malformed escape, an encoded
/// NUL, slash or backslash, or a dot segment.
result<std::vector<std::string>> segments(std::string_view path);

/// True for well-formed UTF-8 (no surrogates, nothing overlong).
bool valid_utf8(std::string_view text) noexcept;

} // namespace holt::url
