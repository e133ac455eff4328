// SPDX-License-Identifier: Apache-2.0

#include "shell/job_surroundings.hpp"

#include "transport/process_table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <sstream>
#include <unistd.h>

namespace holt::shell {
namespace {

constexpr std::size_t max_holders = 64;

std::string link_of(const std::string& path) {
  std::array<char, 512> text{};
  const auto n = ::readlink(path.c_str(), text.data(), text.size());
  return n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : std::string{};
}

bool holds(pid_t pid, const std::vector<std::string>& names) {
  const auto folder = "/proc/" + std::to_string(pid) + "/fd";
  DIR* dir = ::opendir(folder.c_str());
  if (!dir)
    return false;
  bool found = false;
  while (const auto* entry = found ? nullptr : ::readdir(dir)) {
    const auto link = link_of(folder + "/" + entry->d_name);
    found = !link.empty() && std::find(names.begin(), names.end(), link) != names.end();
  }
  ::closedir(dir);
  return found;
}

} // namespace

result<known_user> find_user(const std::string& name) {
  std::vector<char> buffer(64 * 1024);
  passwd row{};
  passwd* found = nullptr;
  int failure = 0;
  while ((failure = ::getpwnam_r(name.c_str(), &row, buffer.data(), buffer.size(), &found))
         == EINTR) {
  }
  if (!found)
    return error{errc::spawn_failed, "There is no user '" + name + "' to run commands as."};
  known_user out;
  out.ids.uid = row.pw_uid;
  out.ids.gid = row.pw_gid;
  int count = 64;
  out.ids.groups.resize(64);
  if (::getgrouplist(name.c_str(), row.pw_gid, out.ids.groups.data(), &count) < 0) {
    out.ids.groups.resize(static_cast<std::size_t>(std::max(count, 1)));
    if (::getgrouplist(name.c_str(), row.pw_gid, out.ids.groups.data(), &count) < 0)
      count = 0;
  }
  out.ids.groups.resize(static_cast<std::size_t>(count));
  out.environment = {{"HOME", row.pw_dir},
                     {"USER", name},
                     {"LOGNAME", name},
                     {"SHELL", row.pw_shell && *row.pw_shell ? row.pw_shell : "/bin/sh"}};
  return {boost::system::in_place_value, std::move(out)};
}

result<std::string> real_folder(const files::path_jail& jail, const std::string& path) {
  const auto where = jail.locate(path);
  if (!where)
    return where.error();
  const auto folder = jail.open_at(*where, O_PATH | O_DIRECTORY);
  if (!folder)
    return folder.error();
  std::array<char, 4096> real{};
  const auto link = "/proc/self/fd/" + std::to_string(folder->get());
  const auto n = ::readlink(link.c_str(), real.data(), real.size());
  if (n <= 0 || static_cast<std::size_t>(n) == real.size())
    return files::from_errno(n < 0 ? errno : ENAMETOOLONG, path);
  return std::string(real.data(), static_cast<std::size_t>(n));
}

std::string shown_name(int fd) {
  return link_of("/proc/self/fd/" + std::to_string(fd));
}

std::vector<pid_t> holders_of(const std::vector<std::string>& names, const process_target& target) {
  const auto table = read_process_table();
  const auto ours = ::getsid(0);
  std::vector<pid_t> out;
  for (const auto pid : descendants(table, ::getpid())) {
    const auto& row = table.at(pid);
    // Whoever is older cannot have inherited them. A start that has not executed yet has copies of
    // all that we have open, for a moment; it is still in our session.
    if (pid == target.pid || row.start_time < target.start_time || row.state == 'Z'
        || row.session == ours || !holds(pid, names))
      continue;
    out.push_back(pid);
    if (out.size() == max_holders)
      break;
  }
  return out;
}

std::optional<std::uint64_t> memory_kills(const std::string& memory_events) {
  if (memory_events.empty())
    return std::nullopt;
  std::ifstream in{memory_events};
  std::string name;
  std::uint64_t count = 0;
  while (in >> name >> count)
    if (name == "oom_kill")
      return count;
  return std::nullopt;
}

std::string find_memory_events() {
  std::ifstream mounts{"/proc/self/mounts"};
  std::string line, mount;
  while (mount.empty() && std::getline(mounts, line)) {
    std::istringstream words{line};
    std::string device, where, type;
    words >> device >> where >> type;
    if (type == "cgroup2")
      mount = where;
  }
  std::ifstream groups{"/proc/self/cgroup"};
  while (!mount.empty() && std::getline(groups, line)) {
    if (!line.starts_with("0::/"))
      continue;
    const auto file = mount + (line == "0::/" ? "" : line.substr(3)) + "/memory.events";
    return memory_kills(file) ? file : std::string{};
  }
  return {};
}

} // namespace holt::shell
