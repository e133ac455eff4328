// SPDX-License-Identifier: Apache-2.0
#pragma once

// The state folder: token, lock, daemon.json and log/. The daemon owns one object for its whole
// life (the lock is held as long); the verbs only read through the free functions. Blocking file
// calls: at start-up or on a worker thread, never in an I/O handler. Never prints the token.

#include "messages/error.hpp"
#include "transport/log.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace holt {

/// `code_of(errno)`: no_space, read_only or io; the detail is "what 'path': reason."
error file_error(int number, std::string_view what, const std::string& path);

/// Replaces `path` as a whole: temporary file beside it, fsync, rename, fsync of the folder.
/// A reader sees the old bytes or the new ones.
result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes,
                                   mode_t mode = 0600);

/// `$XDG_STATE_HOME/holt`, else `$HOME/.local/state/holt`, else /var/lib/holt for root. Empty
/// when a user has no HOME. `env` answers a variable's value or nothing.
using env_lookup = std::function<std::optional<std::string>(const char*)>;
std::filesystem::path default_state_dir(const env_lookup& env, uid_t uid);
/// The same with this process's environment and user.
std::filesystem::path default_state_dir();

/// What daemon.json says about the running daemon.
struct daemon_info {
  std::string url;
  pid_t pid = 0;
};

/// no_daemon when there is no such file, or when it is not readable as one.
result<daemon_info> read_daemon_info(const std::filesystem::path& folder);

/// no_daemon when there is none.
result<log::secret> read_token(const std::filesystem::path& folder);

class state_dir {
public:
  /// Creates or checks the folder (0700, ours), takes the lock, reads or makes the token. Errors:
  /// state_dir with what to do; already_running with pid and url of the other daemon.
  static result<state_dir> open(std::filesystem::path folder);

  state_dir(state_dir&& other) noexcept;
  state_dir& operator=(state_dir&&) = delete;
  ~state_dir(); ///< gives the lock back

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path log_dir() const { return path_ / "log"; }
  /// 256 bits, base64url without padding (43 characters).
  const log::secret& token() const noexcept { return token_; }

  result<void> write_daemon_info(const daemon_info& what) const;
  /// At the orderly end; a missing file is no fault.
  void remove_daemon_info() const noexcept;

private:
  state_dir(std::filesystem::path path, int lock) noexcept;
  result<void> load_token();

  std::filesystem::path path_;
  int lock_ = -1;
  log::secret token_;
};

} // namespace holt
