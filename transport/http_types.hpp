// SPDX-License-Identifier: Apache-2.0
#pragma once

// HTTP requests and responses as plain values, and the two interfaces between the listener and
// the application: `service` (what answers) and `upgrade` (one pending WebSocket request).

#include "messages/error.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holt::http {

struct header {
  std::string name;
  std::string value;
};

struct request {
  std::string method; ///< upper case
  std::string target; ///< as sent; never logged (it may carry a token)
  std::string path;   ///< of the target, still percent-encoded; starts with '/'
  std::vector<std::pair<std::string, std::string>> query; ///< decoded, in order
  std::vector<header> headers;
  std::string body;
  boost::asio::ip::tcp::endpoint peer;
  boost::asio::ip::tcp::endpoint local;

  /// Value of the first header with this name (case-insensitive); empty view when absent.
  std::string_view header_value(std::string_view name) const noexcept;
  std::optional<std::string_view> query_value(std::string_view name) const noexcept;
  /// Decoded path segments; an error for a malformed escape or an encoded NUL or slash.
  result<std::vector<std::string>> segments() const;
};

struct response {
  unsigned status = 200;
  std::vector<header> headers;
  std::shared_ptr<const std::string> body; ///< may be null: no body
  bool close = false;                      ///< close the connection after it
};

/// `application/json`.
response json_response(unsigned status, const nlohmann::json& body);

/// `application/problem+json` (docs/architecture.md, section 10): type, title, status, detail,
/// code, plus `extra`'s members.
response problem(const error& what);
response problem(const error& what, const nlohmann::json& extra);

/// Call exactly once, from any thread. A reply that is destroyed uncalled answers 500. It must not
/// outlive the io_context.
using reply = std::function<void(response)>;

struct close_reason {
  std::uint16_t code = 1006; ///< 1006: the connection ended without a close frame
  std::string text;
};

/// Called on the connection's strand, never concurrently.
struct ws_handlers {
  std::function<void(std::string payload, bool binary)> on_message;
  /// Once, last; with 1006 also when accept() came too late and `opened` was never called.
  std::function<void(close_reason)> on_close;
};

struct ws_limits {
  std::size_t max_message_bytes = 64 * 1024; ///< larger: close 1009
  std::size_t outbox_bytes = 1024 * 1024;    ///< more waiting: close 1013
  unsigned credit = 64;                      ///< unacknowledged messages before reading stops
  std::chrono::milliseconds ping{15'000};    ///< idle time before a ping; two misses: dead
  std::chrono::milliseconds close_timeout{1'000};
};

/// One open WebSocket. Thread-safe; never blocks. Keeps itself alive until on_close was called.
class ws_connection {
public:
  virtual ~ws_connection() = default;
  /// False when it is closed or closing, or when the outbox is full (which closes it, 1013).
  virtual bool send_text(std::shared_ptr<const std::string> text) = 0;
  virtual bool send_binary(std::shared_ptr<const std::string> bytes) = 0;
  /// `n` messages given to on_message are done with.
  virtual void acknowledge(unsigned n) = 0;
  /// Start the close handshake; on_close follows within the close timeout.
  virtual void close(std::uint16_t code, std::string reason) = 0;
  /// Bytes waiting to be written.
  virtual std::size_t outbox() const = 0;
};

using ws_ptr = std::shared_ptr<ws_connection>;

/// One WebSocket request that waits for a decision. Exactly one of accept and refuse, from any
/// thread; destroyed undecided it is refused with 500.
class upgrade {
public:
  virtual ~upgrade() = default;
  virtual const request& head() const = 0;
  /// `opened` gets the connection before any message is delivered. `headers` join the 101.
  virtual void accept(ws_limits limits, ws_handlers handlers, std::function<void(ws_ptr)> opened,
                      std::vector<header> headers = {})
    = 0;
  virtual void refuse(response why) = 0;
};

using upgrade_ptr = std::shared_ptr<upgrade>;

/// What answers requests. Called on the connection's strand; must not block.
class service {
public:
  virtual ~service() = default;
  /// Before the body is read: the largest body that this request may have, in bytes, or an error
  /// that refuses it at once (404, 405, 401 …). `head` has no body yet.
  /// Not called for upgrades.
  virtual result<std::uint64_t> admit(const request& head) = 0;
  /// Whether an admitted request came with a credential. A connection that never brought one counts
  /// against the limits of the not yet authenticated. Counts no failure, uses nothing up.
  virtual bool knows(const request& /*head*/) { return true; }
  /// Headers that join the answer when admit refused (`Allow` with a 405, `Retry-After` …).
  virtual std::vector<header> refusal_headers(const request& /*head*/, const error& /*why*/) {
    return {};
  }
  virtual void handle(request what, reply answer) = 0;
  virtual void handle_upgrade(upgrade_ptr what) = 0;
};

} // namespace holt::http
