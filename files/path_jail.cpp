// SPDX-License-Identifier: Apache-2.0
#include "files/path_jail.hpp"

#include "files/jail_walk.hpp"
#include "files/owner.hpp"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace holt::files {

namespace {

constexpr std::size_t max_path_bytes = 4096;
constexpr int max_links = 40;
constexpr int max_again = 32; ///< openat2 answers EAGAIN when a rename races with `..`
constexpr std::string_view workspace_name = "/workspace";

unique_fd openat2_in(int folder, std::string_view root, const char* below, int flags,
                     unsigned mode) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags));
  how.mode = mode;
  // Below `/` nothing is outside; an absolute link there means what it says.
  how.resolve = RESOLVE_NO_MAGICLINKS
                | static_cast<std::uint64_t>(root == "/" ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
  return unique_fd{static_cast<int>(::syscall(SYS_openat2, folder, below, &how, sizeof how))};
}

/// Without empty and `.` components; a slash at the end stays.
std::string tidy(std::string_view path) {
  std::string out;
  bool folder = false;
  while (!path.empty()) {
    auto cut = path.find('/');
    auto part = path.substr(0, cut);
    folder = part.empty() || part == "." || cut != std::string_view::npos;
    if (!part.empty() && part != ".") {
      if (!out.empty())
        out += '/';
      out += part;
    }
    path.remove_prefix(cut == std::string_view::npos ? path.size() : cut + 1);
  }
  if (out.empty())
    return ".";
  if (folder)
    out += '/';
  return out;
}

std::string joined(std::string_view root, std::string_view below) {
  if (below.ends_with('/'))
    below.remove_suffix(1);
  if (below == ".")
    return std::string{root};
  std::string out{root == "/" ? "" : root};
  out += '/';
  out += below;
  return out;
}

/// `below` cut into folder and name.
std::pair<std::string_view, std::string_view> split(std::string_view below) {
  if (below.ends_with('/'))
    below.remove_suffix(1);
  auto cut = below.rfind('/');
  if (cut == std::string_view::npos)
    return {".", below};
  return {below.substr(0, cut), below.substr(cut + 1)};
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  return path;
}

} // namespace

// -- unique_fd

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

int unique_fd::release() noexcept {
  return std::exchange(fd_, -1);
}

// -- path_jail

path_jail::~path_jail() = default;

result<std::shared_ptr<const path_jail>> path_jail::open(jail_options how) {
  if (how.roots.empty())
    return error{errc::invalid_request, "no root folder is configured"};
  std::shared_ptr<path_jail> out{new path_jail};
  for (auto& name : how.roots) {
    unique_fd fd{::open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!fd)
      return from_errno(errno, name);
    std::array<char, PATH_MAX> real{};
    if (::realpath(name.c_str(), real.data()) == nullptr)
      return from_errno(errno, name);
    out->real_.emplace_back(real.data());
    out->roots_.push_back(name.starts_with('/') ? without_slash(std::move(name))
                                                : out->real_.back());
    out->fds_.push_back(std::move(fd));
  }
  struct stat there {};
  std::size_t root = 0;
  std::string_view below;
  out->alias_ = how.workspace_alias && ::lstat(workspace_name.data(), &there) != 0
                && !(root_of(out->roots_, workspace_name, root, below) && out->roots_[root] != "/");
  // ENOSYS before Linux 5.6; EPERM from seccomp filters that do not know it.
  out->openat2_
    = !how.without_openat2
      && openat2_in(out->fds_.front().get(), out->real_.front(), ".", O_PATH | O_CLOEXEC, 0);
  return std::shared_ptr<const path_jail>{std::move(out)};
}

result<jailed_path> path_jail::locate(std::string_view path) const {
  if (path.empty())
    return error{errc::invalid_request, "the path is empty"};
  if (path.find('\0') != std::string_view::npos)
    return error{errc::invalid_request, "the path holds a NUL"};
  if (path.size() > max_path_bytes)
    return error{errc::invalid_request, "the path is longer than 4,096 bytes"};
  jailed_path out;
  if (path.front() != '/') {
    out.below = tidy(path);
    out.shown = joined(workspace(), out.below);
    return out;
  }
  auto whole = "/" + tidy(path);
  if (whole == "/.")
    whole = "/";
  std::string_view below;
  std::string shown_root;
  if (alias_ && whole.starts_with(workspace_name)
      && (whole.size() == workspace_name.size() || whole[workspace_name.size()] == '/')) {
    below = std::string_view{whole}.substr(workspace_name.size());
    shown_root = workspace_name;
  } else if (root_of(roots_, whole, out.root, below)) {
    shown_root = roots_[out.root];
  } else if (root_of(real_, whole, out.root, below)) {
    shown_root = real_[out.root];
  } else {
    return error{errc::denied, printable(path) + ": outside the allowed folders"};
  }
  out.below = tidy(below);
  out.shown = joined(shown_root, out.below);
  return out;
}

result<unique_fd> path_jail::open_at(const jailed_path& where, int flags, unsigned mode) const {
  flags |= O_CLOEXEC;
  if ((flags & O_PATH) == 0)
    flags |= O_NOCTTY | O_NONBLOCK;
  if ((flags & O_CREAT) == 0)
    mode = 0;
  int failed = EXDEV;
  if (openat2_) {
    for (int attempt = 0; attempt < max_again; ++attempt) {
      auto fd
        = openat2_in(fds_[where.root].get(), real_[where.root], where.below.c_str(), flags, mode);
      if (fd)
        return fd;
      failed = errno;
      if (failed != EAGAIN && failed != EINTR)
        break;
    }
  }
  // A link may lead into another root, or by an absolute path into its own.
  if (failed == EXDEV || failed == EAGAIN) {
    unique_fd fd;
    failed = walk_open({real_, fds_}, where.root, where.below, flags, mode, fd);
    if (failed == 0)
      return fd;
  }
  return from_errno(failed, where.shown);
}

result<unique_fd> path_jail::open_folder(const jailed_path& where, std::string_view below,
                                         bool make_parents) const {
  jailed_path folder{where.root, std::string{below}, where.shown};
  auto fd = open_at(folder, O_PATH | O_DIRECTORY);
  if (fd || !make_parents || fd.error().code != errc::not_found)
    return fd;
  auto [above, name] = split(below);
  if (below == "." || name == "..")
    return fd;
  auto parent = open_folder(where, above, true);
  if (!parent)
    return parent;
  const std::string own{name};
  if (::mkdirat(parent->get(), own.c_str(), 0777) == 0)
    adopt_owner(parent->get(), own);
  else if (errno != EEXIST)
    return from_errno(errno, where.shown);
  return open_at(folder, O_PATH | O_DIRECTORY);
}

result<path_jail::slot> path_jail::open_parent(const jailed_path& where, bool make_parents) const {
  auto [above, name] = split(where.below);
  if (name == ".")
    return error{errc::denied, printable(where.shown) + ": a root itself cannot be changed"};
  if (name == "..")
    return error{errc::invalid_request, printable(where.shown) + ": the path ends in `..`"};
  auto folder = open_folder(where, above, make_parents);
  if (!folder)
    return folder.error();
  return slot{std::move(*folder), std::string{name}};
}

result<path_jail::slot> path_jail::open_target(const jailed_path& where, bool make_parents) const {
  auto now = where;
  for (int links = 0; links <= max_links; ++links) {
    auto at = open_parent(now, make_parents);
    if (!at)
      return at;
    std::array<char, PATH_MAX> text{};
    auto size = ::readlinkat(at->folder.get(), at->name.c_str(), text.data(), text.size());
    if (size < 0 && errno != EINVAL && errno != ENOENT)
      return from_errno(errno, where.shown);
    if (size <= 0)
      return at; // no link, or nothing yet
    std::string_view target{text.data(), static_cast<std::size_t>(size)};
    if (target.front() == '/') {
      std::string_view below;
      if (!root_of(real_, target, now.root, below))
        return from_errno(EXDEV, where.shown);
      now.below = tidy(below);
    } else {
      now.below = tidy(std::string{split(now.below).first} + "/" + std::string{target});
    }
    if (now.below.size() >= max_path_bytes)
      return from_errno(ENAMETOOLONG, where.shown);
  }
  return from_errno(ELOOP, where.shown);
}

} // namespace holt::files
