// SPDX-License-Identifier: Apache-2.0

#include "transport/state_dir.hpp"

#include "transport/secret.hpp"

#include <nlohmann/json.hpp>

#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace holt {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t token_chars = 43; // 256 bits
constexpr std::size_t small_file = 4096;

std::string reason(int number) {
  return std::system_category().message(number);
}

error folder_error(const std::string& what) {
  return {errc::state_dir, what};
}

/// Closes at the end of a scope.
struct owned_fd {
  int fd = -1;
  ~owned_fd() {
    if (fd >= 0)
      ::close(fd);
  }
};

/// The file's bytes, at most 4 KiB; empty optional when it cannot be read (errno says why).
std::optional<std::string> read_small(const fs::path& path) {
  owned_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0)
    return std::nullopt;
  std::array<char, small_file> buffer{};
  const auto n = ::read(file.fd, buffer.data(), buffer.size());
  if (n < 0)
    return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(n));
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

bool plausible_token(const std::string& text) {
  return text.size() >= token_chars && text.size() <= 512
         && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_.~+/=")
              == std::string::npos;
}

/// Makes missing parents (0700, as the XDG rules say), then the folder itself.
result<void> make_folders(const fs::path& folder) {
  fs::path so_far;
  for (const auto& part : folder) {
    so_far /= part;
    if (part.empty() || so_far == "/")
      continue;
    if (::mkdir(so_far.c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR) {
      const int number = errno;
      struct stat what {};
      if (::stat(so_far.c_str(), &what) == 0 && S_ISDIR(what.st_mode))
        continue; // EROFS and EACCES come before EEXIST on some file systems
      return folder_error("Cannot make the state folder '" + so_far.string()
                          + "': " + reason(number) + ". Choose another with --state-dir.");
    }
  }
  return {};
}

result<void> check_private(const fs::path& path, mode_t mode) {
  owned_fd dir{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd < 0)
    return folder_error("Cannot open the state folder '" + path.string() + "': " + reason(errno)
                        + ". Choose another with --state-dir.");
  struct stat now {};
  if (::fstat(dir.fd, &now) != 0)
    return folder_error("Cannot look at the state folder '" + path.string() + "': " + reason(errno)
                        + ".");
  if (now.st_uid != ::geteuid())
    return folder_error("The state folder '" + path.string() + "' belongs to user "
                        + std::to_string(now.st_uid) + ", not to user "
                        + std::to_string(::geteuid()) + ". Choose another with --state-dir.");
  if ((now.st_mode & 07777) != mode && ::fchmod(dir.fd, mode) != 0)
    return folder_error("Others may enter the state folder '" + path.string()
                        + "', and its mode cannot be changed: " + reason(errno) + ".");
  return {};
}

} // namespace

error file_error(int number, std::string_view what, const std::string& path) {
  const auto code = number == ENOSPC || number == EDQUOT ? errc::no_space
                    : number == EROFS                    ? errc::read_only
                                                         : errc::io;
  return {code, std::string(what) + " '" + path + "': " + reason(number) + "."};
}

result<void> write_file_atomically(const fs::path& path, std::string_view bytes, mode_t mode) {
  auto folder = path.parent_path();
  if (folder.empty())
    folder = ".";
  std::string temp = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  owned_fd file{::mkostemp(temp.data(), O_CLOEXEC)};
  if (file.fd < 0)
    return file_error(errno, "Cannot write beside", path.string());
  auto fail = [&](const char* what) {
    const int number = errno;
    ::unlink(temp.c_str());
    return file_error(number, what, path.string());
  };
  if (::fchmod(file.fd, mode) != 0)
    return fail("Cannot set the mode of");
  while (!bytes.empty()) {
    const auto n = ::write(file.fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail("Cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(file.fd) != 0)
    return fail("Cannot flush");
  if (::rename(temp.c_str(), path.c_str()) != 0)
    return fail("Cannot replace");
  owned_fd dir{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd >= 0)
    ::fsync(dir.fd); // some file systems cannot; the rename stands all the same
  return {};
}

fs::path default_state_dir(const env_lookup& env, uid_t uid) {
  // XDG: a relative path is invalid and is ignored.
  if (auto xdg = env("XDG_STATE_HOME"); xdg && !xdg->empty() && xdg->front() == '/')
    return fs::path(*xdg) / "holt";
  if (auto home = env("HOME"); home && !home->empty() && home->front() == '/' && *home != "/")
    return fs::path(*home) / ".local/state/holt";
  return uid == 0 ? fs::path("/var/lib/holt") : fs::path{};
}

fs::path default_state_dir() {
  return default_state_dir(
    [](const char* name) -> std::optional<std::string> {
      const char* value = std::getenv(name);
      return value ? std::optional<std::string>(value) : std::nullopt;
    },
    ::geteuid());
}

result<daemon_info> read_daemon_info(const fs::path& folder) {
  const auto text = read_small(folder / "daemon.json");
  if (!text)
    return error{errc::no_daemon, "No daemon has written '" + (folder / "daemon.json").string()
                                    + "'. Start one with: holt serve"};
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  daemon_info out;
  if (json.is_object() && json.contains("url") && json["url"].is_string() && json.contains("pid")
      && json["pid"].is_number_integer()) {
    out.url = json["url"].get<std::string>();
    out.pid = json["pid"].get<pid_t>();
    return out;
  }
  return error{errc::no_daemon, "'" + (folder / "daemon.json").string() + "' is damaged."};
}

result<log::secret> read_token(const fs::path& folder) {
  const auto text = read_small(folder / "token");
  if (!text)
    return error{errc::no_daemon,
                 "Cannot read '" + (folder / "token").string() + "': " + reason(errno) + "."};
  return log::secret{trimmed(*text)};
}

state_dir::state_dir(fs::path path, int lock) noexcept : path_(std::move(path)), lock_(lock) {}

state_dir::state_dir(state_dir&& other) noexcept
  : path_(std::move(other.path_)),
    lock_(std::exchange(other.lock_, -1)),
    token_(std::move(other.token_)) {}

state_dir::~state_dir() {
  if (lock_ >= 0)
    ::close(lock_);
}

result<state_dir> state_dir::open(fs::path folder) {
  if (folder.empty())
    return folder_error("There is no HOME to keep the state folder in. Give one with --state-dir.");
  std::error_code ec;
  folder = fs::absolute(folder, ec).lexically_normal();
  if (ec)
    return folder_error("The current folder is gone: " + ec.message() + ".");
  for (const auto& part : {folder, folder / "log"}) {
    if (auto made = make_folders(part); !made)
      return made.error();
    if (auto checked = check_private(part, 0700); !checked)
      return checked.error();
  }
  const auto lock_path = folder / "lock";
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return folder_error("Cannot open '" + lock_path.string() + "': " + reason(errno) + ".");
  state_dir out{folder, fd};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return folder_error("Cannot lock '" + lock_path.string() + "': " + reason(errno) + ".");
    const auto pid = trimmed(read_small(lock_path).value_or(""));
    auto text = "Another daemon uses the state folder '" + folder.string() + "'";
    if (!pid.empty())
      text += " (pid " + pid + ")";
    // daemon.json may be left from a daemon that was killed: trust it only for the same pid.
    if (auto other = read_daemon_info(folder); other && std::to_string(other->pid) == pid)
      text += " at " + other->url;
    return error{errc::already_running, text + ". Stop it, or choose another --state-dir."};
  }
  const auto own = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0
      || ::pwrite(fd, own.data(), own.size(), 0) != static_cast<ssize_t>(own.size()))
    return folder_error("Cannot write '" + lock_path.string() + "': " + reason(errno) + ".");
  out.remove_daemon_info(); // of a daemon that was killed
  if (auto loaded = out.load_token(); !loaded)
    return loaded.error();
  return out;
}

result<void> state_dir::load_token() {
  const auto path = path_ / "token";
  owned_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (file.fd < 0 && errno != ENOENT)
    return folder_error("Cannot read '" + path.string() + "': " + reason(errno) + ".");
  if (file.fd < 0) {
    const auto made = random_secret(token_chars);
    if (auto written = write_file_atomically(path, made + "\n"); !written)
      return folder_error(written.error().detail);
    token_ = log::secret{made};
    return {};
  }
  struct stat now {};
  if (::fstat(file.fd, &now) != 0 || !S_ISREG(now.st_mode) || now.st_uid != ::geteuid())
    return folder_error("'" + path.string() + "' is not a file of ours. Remove it.");
  if ((now.st_mode & 0777) != 0600 && ::fchmod(file.fd, 0600) != 0)
    return folder_error("Others may read '" + path.string() + "': " + reason(errno) + ".");
  const auto text = trimmed(read_small(path).value_or(""));
  if (!plausible_token(text))
    return folder_error("'" + path.string() + "' holds no token. Remove it to get a new one.");
  token_ = log::secret{text};
  return {};
}

result<void> state_dir::write_daemon_info(const daemon_info& what) const {
  const nlohmann::json json{{"url", what.url}, {"pid", what.pid}};
  return write_file_atomically(path_ / "daemon.json",
                               json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                                 + "\n");
}

void state_dir::remove_daemon_info() const noexcept {
  ::unlink((path_ / "daemon.json").c_str());
}

} // namespace holt
