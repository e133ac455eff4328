// SPDX-License-Identifier: Apache-2.0

#include "transport/cgroup.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace holt {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::size_t tidied_at_once = 16;
constexpr milliseconds orphans_limit{500};
/// Between two looks whether a group is empty; most trees are gone within the first few.
constexpr microseconds first_look{100};
constexpr milliseconds longest_look{100};
constexpr unsigned deepest = 32; ///< groups below a child's that are looked into

/// Where the v2 tree is mounted: alone or beside v1.
std::string cgroup2_mount() {
  std::ifstream mounts{"/proc/self/mounts"};
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream words{line};
    std::string device, where, type;
    words >> device >> where >> type;
    if (type == "cgroup2")
      return where;
  }
  return {};
}

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> out;
  DIR* folder = ::opendir(path.c_str());
  if (!folder)
    return out;
  while (const auto* entry = ::readdir(folder))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      out.emplace_back(entry->d_name);
  ::closedir(folder);
  return out;
}

unsigned count_processes(const std::string& path, unsigned depth = 0) {
  unsigned out = 0;
  std::ifstream procs{path + "/cgroup.procs"};
  for (std::string line; std::getline(procs, line);)
    ++out;
  if (depth < deepest)
    for (const auto& each : folders_in(path))
      out += count_processes(path + "/" + each, depth + 1);
  return out;
}

bool remove_below(const std::string& path, unsigned depth) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT)
    return true;
  if (depth >= deepest)
    return false;
  for (const auto& each : folders_in(path))
    if (!remove_below(path + "/" + each, depth + 1))
      return false;
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

bool write_one(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  const bool good = ::write(fd, "1", 1) == 1;
  ::close(fd);
  return good;
}

/// Until the group and all below it hold no living process (zombies do not count).
void wait_until_empty(const std::string& path, sweep_deadline until) {
  const int fd = ::open((path + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  for (nanoseconds next = first_look;;) {
    std::array<char, 256> text{};
    const auto n = ::pread(fd, text.data(), text.size() - 1, 0);
    if (n <= 0 || std::string_view{text.data()}.find("populated 0") != std::string_view::npos)
      break;
    const auto left = duration_cast<nanoseconds>(until - steady_clock::now());
    if (left.count() <= 0)
      break;
    // The kernel tells of a change at most each 10 ms, and one is just over when a child was only
    // started: look again by ourselves, soon at first.
    pollfd changed{fd, POLLPRI, 0};
    const timespec wait{0, std::min(left, next).count()};
    ::ppoll(&changed, 1, &wait, nullptr);
    next = std::min<nanoseconds>(next * 2, longest_look);
  }
  ::close(fd);
}

/// Of daemons that see the same pids: one in a container must not take those of another for its
/// own where both share a group.
std::string family() {
  struct stat what {};
  const auto number = ::stat("/proc/self/ns/pid", &what) == 0 ? what.st_ino : 0;
  return "holt-" + std::to_string(number) + "-";
}

/// The daemon whose folder this is; 0: the folder is not one of ours.
pid_t owner_of(std::string_view name, std::string_view prefix) {
  pid_t out = 0;
  if (name.substr(0, prefix.size()) != prefix)
    return 0;
  name.remove_prefix(prefix.size());
  const auto got = std::from_chars(name.data(), name.data() + name.size(), out);
  return got.ec == std::errc{} && got.ptr == name.data() + name.size() && out > 0 ? out : 0;
}

std::string folder_of(const std::string& own, pid_t daemon) {
  return own + "/" + family() + std::to_string(daemon);
}

} // namespace

std::string own_cgroup() {
  const auto mount = cgroup2_mount();
  std::ifstream groups{"/proc/self/cgroup"};
  std::string line;
  while (!mount.empty() && std::getline(groups, line))
    if (line.rfind("0::/", 0) == 0) {
      const auto path = line.substr(3);
      return path == "/" ? mount : mount + path;
    }
  return {};
}

cgroup_home::cgroup_home(const std::string& own) {
  if (own.empty())
    return;
  const auto prefix = family();
  for (const auto& name : folders_in(own)) {
    const auto owner = owner_of(name, prefix);
    if (owner == 0 || ::kill(owner, 0) == 0 || errno != ESRCH)
      continue;
    kill_cgroup(own + "/" + name, steady_clock::now() + orphans_limit);
    remove_cgroup(own + "/" + name);
  }
  const auto mine = folder_of(own, ::getpid());
  if (::mkdir(mine.c_str(), 0755) != 0 && errno != EEXIST)
    return;
  if (::access((mine + "/cgroup.kill").c_str(), W_OK) != 0) {
    ::rmdir(mine.c_str()); // before Linux 5.14
    return;
  }
  folder_ = mine;
}

cgroup_home::~cgroup_home() {
  if (usable())
    remove_cgroup(folder_);
}

std::optional<cgroup_home::seat> cgroup_home::make() {
  prepare();
  seat out;
  out.path = std::exchange(ready_, {});
  if (out.path.empty())
    return {};
  out.procs = ::open((out.path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  if (out.procs < 0 && errno == ENOENT) { // somebody tidied our empty folders away
    ::mkdir(folder_.c_str(), 0755);
    ::mkdir(out.path.c_str(), 0755);
    out.procs = ::open((out.path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  }
  if (out.procs < 0) {
    ::rmdir(out.path.c_str());
    return {};
  }
  return out;
}

void cgroup_home::settle(const seat& one) {
  made_.push_back(one.path);
}

void cgroup_home::prepare() {
  if (!usable() || !ready_.empty())
    return;
  tidy();
  auto next = folder_ + "/" + std::to_string(++n_);
  // ENOENT: see make().
  if (::mkdir(next.c_str(), 0755) == 0 || errno == ENOENT)
    ready_ = std::move(next);
}

// Trees that ended without a sweep leave an empty group: a few are looked at with each new one.
void cgroup_home::tidy() {
  for (auto n = std::min(made_.size(), tidied_at_once); n > 0; --n) {
    auto oldest = std::move(made_.front());
    made_.pop_front();
    if (::rmdir(oldest.c_str()) != 0 && errno != ENOENT)
      made_.push_back(std::move(oldest));
  }
}

unsigned kill_cgroup(const std::string& path, sweep_deadline until) {
  const auto there = count_processes(path);
  if (there > 0 && write_one(path + "/cgroup.kill"))
    wait_until_empty(path, until);
  return there;
}

bool remove_cgroup(const std::string& path) {
  return remove_below(path, 0);
}

unsigned kill_cgroups_of(pid_t daemon, sweep_deadline until) {
  const auto own = own_cgroup();
  if (own.empty())
    return 0;
  const auto path = folder_of(own, daemon);
  const auto killed = kill_cgroup(path, until);
  remove_cgroup(path);
  return killed;
}

} // namespace holt
