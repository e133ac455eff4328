// SPDX-License-Identifier: Apache-2.0
#pragma once

// The HTTP API of one daemon as the verbs call it: JSON in, JSON or a stream out, the daemon's
// problem documents as our errors, each with what to do about it. Blocking; one thread at a time;
// every call is a connection of its own.

#include "client/exchange.hpp"

#include <nlohmann/json.hpp>

namespace holt::client {

class api {
public:
  using milliseconds = std::chrono::milliseconds;

  /// `wake_fd` readable: every wait ends with `cancelled`.
  explicit api(endpoint to, int wake_fd = -1) : to_{std::move(to)}, wake_fd_{wake_fd} {}

  const endpoint& to() const noexcept { return to_; }
  int wake_fd() const noexcept { return wake_fd_; }

  /// The parsed answer; an empty object where there is none.
  result<nlohmann::json> call(const std::string& method, const std::string& target,
                              const nlohmann::json& body = nullptr,
                              milliseconds limit = milliseconds{60'000}) const;

  /// Sends it whole and reads the head of a good answer: the body is the caller's to read. `answer`
  /// gets the head.
  result<std::unique_ptr<exchange>> open(const outgoing& what, http::response& answer,
                                         milliseconds limit = milliseconds{60'000}) const;

private:
  endpoint to_;
  int wake_fd_;
};

/// What a refusal says: its code and detail, and what to do. Reads the body.
error refusal(exchange& from, const http::response& head);
/// The same of a document that is at hand.
error refusal(unsigned status, std::string_view document);

/// The answer to what was begun: parsed, or why not.
result<nlohmann::json> json_answer(exchange& from, std::chrono::milliseconds limit);

/// Value of the first header with this name (case-insensitive); empty when absent.
std::string header_of(const http::response& head, std::string_view name);

} // namespace holt::client
