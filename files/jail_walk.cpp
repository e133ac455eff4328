// SPDX-License-Identifier: Apache-2.0
#include "files/jail_walk.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

constexpr int max_links = 40; ///< as the kernel
constexpr int max_races = 8;  ///< the last name became a link under our hands
constexpr ino_t proc_root_inode = 1;

class walker {
public:
  explicit walker(const walk_roots& roots) : roots_{roots} {}

  int run(std::size_t root, std::string_view below, bool follow_last, walk_end& end) {
    root_ = root;
    push_front(below);
    if (below.ends_with('/'))
      only_folder_ = true;
    while (!todo_.empty()) {
      auto name = std::move(todo_.front());
      todo_.pop_front();
      if (name == "..") {
        if (int failed = up(); failed != 0)
          return failed;
        continue;
      }
      bool last = todo_.empty();
      if (last && !follow_last && !only_folder_)
        return finish(std::move(name), end);
      unique_fd here{::openat(current(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
      if (!here) {
        if (last && errno == ENOENT)
          return finish(std::move(name), end);
        return errno;
      }
      struct stat now {};
      if (::fstat(here.get(), &now) != 0)
        return errno;
      if (S_ISLNK(now.st_mode)) {
        if (int failed = follow(here.get(), last); failed != 0)
          return failed;
        continue;
      }
      if (last)
        return finish(std::move(name), end);
      if (!S_ISDIR(now.st_mode))
        return ENOTDIR;
      folders_.push_back(std::move(here));
    }
    return finish(".", end);
  }

private:
  int current() const { return folders_.empty() ? roots_.fds[root_].get() : folders_.back().get(); }

  void push_front(std::string_view path) {
    std::deque<std::string> parts;
    while (!path.empty()) {
      auto cut = path.find('/');
      auto part = path.substr(0, cut);
      if (!part.empty() && part != ".")
        parts.emplace_back(part);
      path.remove_prefix(cut == std::string_view::npos ? path.size() : cut + 1);
    }
    todo_.insert(todo_.begin(), std::make_move_iterator(parts.begin()),
                 std::make_move_iterator(parts.end()));
  }

  /// To an absolute path, which must be below a root.
  int jump(std::string_view path) {
    std::size_t root = 0;
    std::string_view below;
    if (!root_of(roots_.real, path, root, below))
      return EXDEV;
    root_ = root;
    folders_.clear();
    push_front(below);
    return 0;
  }

  int up() {
    if (!folders_.empty()) {
      folders_.pop_back();
      return 0;
    }
    const auto& path = roots_.real[root_];
    if (path == "/")
      return 0;
    auto cut = path.rfind('/');
    return jump(cut == 0 ? std::string_view{"/"} : std::string_view{path}.substr(0, cut));
  }

  int follow(int link, bool last) {
    if (++links_ > max_links)
      return ELOOP;
    if (is_magic(link))
      return ELOOP;
    std::array<char, PATH_MAX> text{};
    auto size = ::readlinkat(link, "", text.data(), text.size());
    if (size < 0)
      return errno;
    if (size == 0)
      return ENOENT;
    if (static_cast<std::size_t>(size) == text.size())
      return ENAMETOOLONG;
    std::string_view target{text.data(), static_cast<std::size_t>(size)};
    if (last && (target.ends_with('/') || target.ends_with("/.")))
      only_folder_ = true;
    if (target.front() == '/')
      return jump(target);
    push_front(target);
    return 0;
  }

  /// A link of procfs whose text is not where it leads. Those at its top (`self`) are plain ones.
  bool is_magic(int link) const {
    struct statfs system {};
    if (::fstatfs(link, &system) != 0 || system.f_type != PROC_SUPER_MAGIC)
      return false;
    struct stat folder {};
    return ::fstat(current(), &folder) != 0 || folder.st_ino != proc_root_inode;
  }

  int finish(std::string name, walk_end& end) {
    end.folder = unique_fd{::fcntl(current(), F_DUPFD_CLOEXEC, 0)};
    if (!end.folder)
      return errno;
    end.name = std::move(name);
    end.only_folder = only_folder_;
    return 0;
  }

  const walk_roots& roots_;
  std::size_t root_ = 0;
  std::vector<unique_fd> folders_; ///< from the root down to where we are
  std::deque<std::string> todo_;
  int links_ = 0;
  bool only_folder_ = false;
};

} // namespace

int walk(const walk_roots& roots, std::size_t root, std::string_view below, bool follow_last,
         walk_end& end) {
  return walker{roots}.run(root, below, follow_last, end);
}

int walk_open(const walk_roots& roots, std::size_t root, std::string_view below, int flags,
              unsigned mode, unique_fd& opened) {
  bool follow = (flags & (O_NOFOLLOW | O_EXCL)) == 0;
  for (int attempt = 0; attempt < max_races; ++attempt) {
    walk_end end;
    if (int failed = walk(roots, root, below, follow, end); failed != 0)
      return failed;
    if (end.only_folder && (flags & O_CREAT) != 0)
      return EISDIR;
    int how = flags | O_NOFOLLOW | (end.only_folder ? O_DIRECTORY : 0);
    unique_fd fd{::openat(end.folder.get(), end.name.c_str(), how, mode)};
    if (!fd && errno == ELOOP && follow)
      continue;
    if (!fd)
      return errno;
    struct stat now {};
    if (follow && (flags & O_PATH) != 0 && (::fstat(fd.get(), &now) != 0 || S_ISLNK(now.st_mode)))
      continue;
    opened = std::move(fd);
    return 0;
  }
  return ELOOP;
}

bool root_of(const std::vector<std::string>& roots, std::string_view path, std::size_t& root,
             std::string_view& below) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    std::string_view one = roots[i];
    if (one == "/")
      one = "";
    if (!path.starts_with(one) || (path.size() > one.size() && path[one.size()] != '/'))
      continue;
    if (best != 0 && one.size() + 1 <= best)
      continue;
    best = one.size() + 1;
    root = i;
    below = path.substr(one.size());
  }
  return best != 0;
}

} // namespace holt::files
