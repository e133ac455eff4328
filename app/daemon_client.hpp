// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the verbs find their daemon; calls to it are made by client/. Blocking; used by verbs only.

#include "app/command_line.hpp"
#include "client/api.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace holt {

class daemon_client {
public:
  /// --url/--token, then HOLT_URL/HOLT_TOKEN, then the state folder. errc::no_daemon.
  static result<daemon_client> find(const command_line& line);

  /// The parsed answer; the daemon's own error when it refuses; errc::no_daemon when nobody
  /// answers.
  result<nlohmann::json> call(const std::string& method, const std::string& target,
                              const nlohmann::json& body = nullptr) const;

  /// Calls `event` for every message of this WebSocket until it closes or `event` says false.
  result<void> follow(const std::string& target,
                      const std::function<bool(const nlohmann::json&)>& event) const;

  const std::string& url() const noexcept { return at_.url; }
  /// For what call() is not enough for. `wake_fd` readable ends every wait.
  client::api api(int wake_fd = -1) const { return client::api{at_, wake_fd}; }

private:
  client::endpoint at_;
};

/// Prints the error in one line and answers its exit code.
int complain(const error& why);

} // namespace holt
