// SPDX-License-Identifier: Apache-2.0

#include "transport/process_table.hpp"

#include "transport/process_sweep.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

namespace holt {
namespace {

constexpr std::size_t max_environment = 4 * 1024 * 1024;

/// The whole of a small /proc file; empty when it is gone or not ours to read.
std::string read_all(const std::string& path, std::size_t limit) {
  std::string out;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return out;
  std::array<char, 4096> buffer{};
  while (out.size() < limit) {
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return out;
}

template <class Number>
bool number(std::string_view text, Number& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size();
}

/// One read: the kernel makes the line whole, and field 22 stands within its first 400 bytes.
std::optional<process_row> read_row_at(int folder, const char* path) {
  std::array<char, 1024> text;
  const int fd = ::openat(folder, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return std::nullopt;
  ssize_t n = 0;
  while ((n = ::read(fd, text.data(), text.size())) < 0 && errno == EINTR) {
  }
  ::close(fd);
  return n > 0 ? parse_stat({text.data(), static_cast<std::size_t>(n)}) : std::nullopt;
}

} // namespace

std::optional<process_row> parse_stat(std::string_view text) {
  const auto open = text.find(" (");
  const auto close = text.rfind(") "); // the name itself may hold ") "
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  process_row row;
  if (!number(text.substr(0, open), row.pid))
    return std::nullopt;
  auto rest = text.substr(close + 2);
  // Fields 3 (state), 4 (parent), 6 (session), 22 (start time), counted from 1.
  for (int field = 3; field <= 22 && !rest.empty(); ++field) {
    const auto word = rest.substr(0, rest.find_first_of(" \n"));
    const bool good = field == 3    ? word.size() == 1
                      : field == 4  ? number(word, row.parent)
                      : field == 6  ? number(word, row.session)
                      : field == 22 ? number(word, row.start_time)
                                    : true;
    if (!good)
      return std::nullopt;
    if (field == 3)
      row.state = word.front();
    if (field == 22)
      return row;
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return std::nullopt;
}

process_table read_process_table() {
  process_table out;
  DIR* dir = ::opendir("/proc");
  if (!dir)
    return out;
  while (const auto* entry = ::readdir(dir)) {
    pid_t pid = 0;
    if (!number(std::string_view{entry->d_name}, pid))
      continue;
    std::array<char, sizeof entry->d_name + 8> path{};
    std::snprintf(path.data(), path.size(), "%s/stat", entry->d_name);
    if (auto row = read_row_at(::dirfd(dir), path.data()))
      out.emplace(pid, *row);
  }
  ::closedir(dir);
  return out;
}

std::set<pid_t> descendants(const process_table& table, pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& [pid, row] : table)
    children.emplace(row.parent, pid);
  std::set<pid_t> out;
  std::vector<pid_t> next{root};
  while (!next.empty()) {
    const auto parent = next.back();
    next.pop_back();
    const auto [from, to] = children.equal_range(parent);
    for (auto it = from; it != to; ++it)
      if (it->second != root && out.insert(it->second).second)
        next.push_back(it->second);
  }
  return out;
}

std::optional<bool> environment_has(pid_t pid, std::string_view entry) {
  const auto all = read_all("/proc/" + std::to_string(pid) + "/environ", max_environment);
  if (all.empty())
    return std::nullopt;
  for (auto at = all.find(entry); at != std::string::npos; at = all.find(entry, at + 1)) {
    const auto end = at + entry.size();
    if ((at == 0 || all[at - 1] == '\0') && (end == all.size() || all[end] == '\0'))
      return true;
  }
  return false;
}

std::uint64_t process_start_time(pid_t pid) {
  const auto row = read_row_at(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/stat").c_str());
  return row ? row->start_time : 0;
}

} // namespace holt
