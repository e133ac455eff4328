// SPDX-License-Identifier: Apache-2.0
#pragma once

// The request guard: framing (what may follow the header), Host, Origin and CORS.
// Pure and table-tested: bytes and lists in, a decision out. Runs on the connection's strand.
// The framing half exists because Beast 345 accepts what smuggles: Transfer-Encoding lists, two
// Hosts, Content-Length lists, folded lines (reference/engineering.md, part 0, fact 10).

#include "transport/http_types.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holt::http {

struct head_limits {
  std::size_t bytes = 16 * 1024;
  std::size_t fields = 64;
};

/// What the header says about the rest of the message.
struct framing {
  bool chunked = false;
  std::uint64_t content_length = 0; ///< 0 when absent or chunked
  bool keep_alive = true;
  bool expect_continue = false;
  bool has_body() const noexcept { return chunked || content_length > 0; }
};

/// Length of the header in `received`, with its blank line; 0: more bytes are needed. An error as
/// soon as the bytes cannot become a header: bare LF, NUL, too long.
result<std::size_t> find_head(std::string_view received, const head_limits& limits);

/// Checks a whole header (as found by find_head) line by line. After an error the framing is not
/// trustworthy: answer and close.
result<framing> check_framing(std::string_view head, const head_limits& limits);

/// Who may be named by Host, and which pages may call.
struct guard_policy {
  std::vector<std::string> allowed_hosts;   ///< exact names or name:port; no wildcard but "*" alone
  std::vector<std::string> allowed_origins; ///< scheme://host[:port], or "*" alone
  bool loopback = true;                     ///< bound to loopback: its names are always allowed
  /// Asked last, about a name in lower case, IPv6 in brackets: is it one of this machine's own?
  /// A page that came by DNS rebinding names neither an address nor our host name. Empty: none is.
  std::function<bool(std::string_view name)> own_name;
  /// Paths that skip the Origin list and answer CORS "*" (their key is the credential).
  std::function<bool(std::string_view path)> origin_exempt;
};

/// Host against the list → `host_refused`. A port in Host must be well formed; it is compared
/// only when the list names one.
result<void> check_host(const guard_policy& policy, std::string_view host);

enum class origin_kind {
  absent, ///< no Origin: not a page
  same,   ///< the origin of the allowed Host itself
  listed, ///< on the list
  any,    ///< the list is "*": no cookie comes along
  exempt, ///< the path does not care
};

/// Origin against the list → `origin_refused`. `host` is the request's, already checked.
result<origin_kind> check_origin(const guard_policy& policy, std::string_view path,
                                 std::string_view host, std::string_view origin);

/// The CORS headers of an answer to this origin.
std::vector<header> cors_headers(origin_kind kind, std::string_view origin);

/// True for OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const request& what) noexcept;

/// The answer to a preflight of an allowed origin.
response preflight(origin_kind kind, const request& what);

} // namespace holt::http
