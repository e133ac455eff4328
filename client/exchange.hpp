// SPDX-License-Identifier: Apache-2.0
#pragma once

// One connection on which requests are made one after another, bodies streamed both ways with flat
// memory. Owned by whoever makes the request; one thread at a time; blocks, each wait has a limit.
// Never follows a redirect, never retries.

#include "client/endpoint.hpp"
#include "transport/http_types.hpp"

#include <memory>
#include <optional>

namespace holt::http {
class tcp_stream;
}

namespace holt::client {

struct outgoing {
  std::string method = "GET";
  std::string target;                ///< path and query, encoded; the prefix is added
  std::vector<http::header> headers; ///< beside Host and Authorization
  std::string body;                  ///< goes out with the head
  bool streamed = false;             ///< the body comes by write(), up to end()
  std::optional<std::uint64_t> size; ///< of a streamed body; nothing: chunked
};

class exchange {
public:
  using milliseconds = std::chrono::milliseconds;

  /// `wake_fd` readable ends every wait with `cancelled`; -1: none. no_daemon when nobody answers.
  static result<std::unique_ptr<exchange>> open(const endpoint& to, int wake_fd = -1);
  ~exchange();

  /// The head, and the body when it is not streamed.
  result<void> begin(const outgoing& what);
  /// A piece of a streamed body. False: the server has answered already, read it.
  result<bool> write(std::string_view piece);
  /// The end of a streamed body.
  result<void> end();
  /// Status and headers, no body.
  result<http::response> head(milliseconds limit);
  /// At least one byte of the body; 0 at its end. `quiet`: without any byte.
  result<std::size_t> read(char* into, std::size_t room, milliseconds quiet);
  /// What is left of the body. payload_too_large.
  result<std::string> rest(std::size_t most, milliseconds quiet);
  /// Whether another request may be made on it: the last answer was read to its end, the server
  /// keeps it open.
  bool reusable() const;

private:
  exchange(const endpoint& to, std::unique_ptr<http::tcp_stream> stream);
  struct inside; ///< the parser: heavy includes
  const endpoint to_;
  std::unique_ptr<http::tcp_stream> stream_;
  std::unique_ptr<inside> in_;
  bool chunked_ = false;
};

} // namespace holt::client
