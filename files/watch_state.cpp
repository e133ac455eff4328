// SPDX-License-Identifier: Apache-2.0
#include "files/watch_state.hpp"

#include "files/replacement.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

constexpr std::uint32_t interest = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE
                                   | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF
                                   | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::size_t max_batch = 1'000; ///< changes told at once
/// Between the two halves of a rename: whoever renames may be held up there.
constexpr std::chrono::milliseconds half_move_limit{250};

std::string joined(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string{name} : folder + "/" + std::string{name};
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

} // namespace

watch_state::watch_state(file_context context, jailed_path where, watch_options how,
                         watch_limits limits, watch_hub::sink to)
  : context_{std::move(context)},
    where_{std::move(where)},
    how_{std::move(how)},
    limits_{limits},
    to_{std::move(to)},
    shown_{where_.shown} {
  context_.cancelled = nullptr;
}

std::string watch_state::absolute(const std::string& below) const {
  return below.empty() ? where_.shown : files::below(where_.shown, below);
}

bool watch_state::is_entered(std::string_view name) const {
  return !is_temporary_name(name)
         && std::find(how_.exclude.begin(), how_.exclude.end(), name) == how_.exclude.end();
}

result<void> watch_state::begin() {
  auto seen = context_.jail->open_at(where_, O_PATH);
  if (!seen)
    return seen.error();
  auto look = look_at(seen->get(), where_.shown);
  if (!look)
    return look.error();
  if (look->type != entry_type::directory) {
    // A file is watched by its name in its folder: most programs replace files.
    auto cut = where_.below.rfind('/');
    only_ = where_.below.substr(cut == std::string::npos ? 0 : cut + 1);
    where_.below = cut == std::string::npos ? "." : where_.below.substr(0, cut);
    where_.shown = where_.shown.substr(0, std::max<std::size_t>(where_.shown.rfind('/'), 1));
    how_.recursive = false;
  }
  inotify_ = unique_fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!inotify_)
    return error{errc::busy, "the system allows no further watch (fs.inotify.max_user_instances)"};
  if (auto good = add_tree("", false); !good)
    return good;
  if (folders_.empty())
    return from_errno(EACCES, shown_);
  return {};
}

result<void> watch_state::add_tree(const std::string& first, bool tell) {
  std::vector<std::string> todo{first};
  while (!todo.empty()) {
    auto now = std::move(todo.back());
    todo.pop_back();
    auto inner = add_folder(now, tell);
    if (!inner)
      return inner.error();
    if (how_.recursive)
      std::move(inner->begin(), inner->end(), std::back_inserter(todo));
  }
  return {};
}

result<std::vector<std::string>> watch_state::add_folder(const std::string& below, bool tell_it) {
  std::vector<std::string> out;
  const auto shown = absolute(below);
  jailed_path at{where_.root, below.empty() ? where_.below : files::below(where_.below, below),
                 shown};
  auto seen = context_.jail->open_at(at, O_PATH | O_DIRECTORY | (below.empty() ? 0 : O_NOFOLLOW));
  if (!seen)
    return out; // gone, or not ours to see
  auto look = look_at(seen->get(), shown);
  if (!look || may_read(seen->get(), *look) != 0)
    return out;
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/proc/self/fd/%d", seen->get());
  const int number = ::inotify_add_watch(inotify_.get(), name.data(), interest);
  if (number < 0 && errno == ENOSPC)
    return error{errc::busy, "the system allows no further watch (fs.inotify.max_user_watches)"};
  if (number < 0)
    return out;
  auto found = folders_.find(number);
  if (found == folders_.end() && folders_.size() >= limits_.folders) {
    ::inotify_rm_watch(inotify_.get(), number);
    return error{errc::payload_too_large, printable(shown) + ": more than "
                                            + std::to_string(limits_.folders)
                                            + " folders to watch; exclude some"};
  }
  if (found != folders_.end() && found->second.below != below)
    rename_tree(found->second.below, below);
  auto& here = folders_[number];
  here.below = below;
  here.seen = scan_;
  by_name_[below] = number;
  if (below.empty())
    top_ = number;
  if (!how_.recursive && !tell_it)
    return out;
  auto entries = entries_in(context_, seen->get(), shown);
  if (!entries)
    return out;
  for (const auto& [entry, type] : *entries) {
    const bool directory = type == entry_type::directory;
    const auto path = joined(below, entry);
    if (tell_it) {
      tell(change_kind::created, path, directory);
      here.told.insert(entry);
    }
    if (directory && is_entered(entry))
      out.push_back(path);
  }
  return out;
}

void watch_state::drop_tree(const std::string& below) {
  for (auto i = by_name_.lower_bound(below); i != by_name_.end();) {
    if (i->first != below && !is_below(i->first, below)) {
      if (!i->first.starts_with(below))
        break;
      ++i; // a neighbour whose name begins alike
      continue;
    }
    ::inotify_rm_watch(inotify_.get(), i->second);
    folders_.erase(i->second);
    i = by_name_.erase(i);
  }
}

void watch_state::rename_tree(const std::string& from, const std::string& to) {
  std::vector<std::pair<std::string, int>> moved;
  for (auto i = by_name_.lower_bound(from); i != by_name_.end() && i->first.starts_with(from);) {
    if (i->first != from && !is_below(i->first, from)) {
      ++i;
      continue;
    }
    moved.emplace_back(to + i->first.substr(from.size()), i->second);
    i = by_name_.erase(i);
  }
  for (auto& [name, number] : moved) {
    folders_[number].below = name;
    by_name_[name] = number;
  }
}

/// After lost events: whatever is there is watched, and nothing else.
void watch_state::rescan() {
  ++scan_;
  if (!add_tree("", false))
    tell(change_kind::overflow, "", true);
  std::vector<std::string> stale;
  for (const auto& [number, one] : folders_)
    if (one.seen != scan_)
      stale.push_back(one.below);
  for (const auto& one : stale)
    if (auto i = by_name_.find(one); i != by_name_.end()) {
      ::inotify_rm_watch(inotify_.get(), i->second);
      folders_.erase(i->second);
      by_name_.erase(i);
    }
}

bool watch_state::read_events() {
  alignas(inotify_event) std::array<char, 64 * 1024> bytes;
  while (!over_) {
    const auto got = ::read(inotify_.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got) && !over_;) {
      inotify_event event{};
      std::memcpy(&event, bytes.data() + at, sizeof event);
      std::string_view name{bytes.data() + at + sizeof event, event.len};
      handle(event, name.substr(0, name.find('\0')));
      at += sizeof event + event.len;
    }
    flush();
  }
  // Whatever a scan was ahead of has been read by now.
  for (auto& [number, one] : folders_)
    one.told.clear();
  flush();
  return !over_;
}

void watch_state::settle_pending() {
  if (!pending_)
    return;
  auto gone = std::move(*pending_);
  pending_.reset();
  if (gone.directory)
    drop_tree(gone.below);
  if (!gone.ours)
    tell(change_kind::removed, gone.below, gone.directory);
  flush();
}

void watch_state::handle(const inotify_event& event, std::string_view name_view) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    settle_pending();
    tell(change_kind::overflow, "", true);
    rescan();
    return;
  }
  auto found = folders_.find(event.wd);
  if (found == folders_.end())
    return;
  if ((event.mask & IN_IGNORED) != 0) {
    by_name_.erase(found->second.below);
    folders_.erase(found);
    return;
  }
  if (name_view.empty()) {
    const bool top = event.wd == top_;
    if (top && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
      settle_pending();
      tell(change_kind::gone, "", true);
      over_ = true;
    } else if (top && only_.empty() && (event.mask & IN_ATTRIB) != 0) {
      tell(change_kind::attributes, "", true);
    }
    return;
  }
  if (pending_ && !((event.mask & IN_MOVED_TO) != 0 && event.cookie == pending_->cookie)) {
    settle_pending();
    found = folders_.find(event.wd);
    if (found == folders_.end())
      return;
  }
  const std::string name{name_view};
  const bool directory = (event.mask & IN_ISDIR) != 0;
  const auto below = joined(found->second.below, name);
  const bool ours = is_temporary_name(name);
  if ((event.mask & IN_MOVED_FROM) != 0)
    pending_ = half_move{event.cookie, below, directory, ours, clock::now() + half_move_limit};
  else if ((event.mask & IN_MOVED_TO) != 0)
    moved_here(event, below, directory, found->second, name);
  else if (ours)
    return;
  else if ((event.mask & IN_CREATE) != 0)
    appeared(below, directory, found->second, name);
  else if ((event.mask & IN_DELETE) != 0)
    tell(change_kind::removed, below, directory);
  else if ((event.mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0)
    tell(change_kind::modified, below, directory);
  else if ((event.mask & IN_ATTRIB) != 0)
    tell(change_kind::attributes, below, directory);
}

void watch_state::appeared(const std::string& below, bool directory, folder& in,
                           const std::string& name) {
  if (in.told.erase(name) == 0)
    tell(change_kind::created, below, directory);
  if (directory && how_.recursive && is_entered(name) && !by_name_.contains(below))
    if (!add_tree(below, true))
      tell(change_kind::overflow, below, true);
}

void watch_state::moved_here(const inotify_event& event, const std::string& below, bool directory,
                             folder& in, const std::string& name) {
  if (!pending_ || pending_->cookie != event.cookie) { // from where nobody watches
    if (!is_temporary_name(name))
      appeared(below, directory, in, name);
    return;
  }
  auto from = std::move(*pending_);
  pending_.reset();
  if (is_temporary_name(name)) { // how we remove things
    if (directory)
      drop_tree(from.below);
    if (!from.ours)
      tell(change_kind::removed, from.below, directory);
    return;
  }
  in.told.erase(name);
  if (from.ours) {
    if (directory)
      appeared(below, true, in, name);
    else
      tell(change_kind::modified, below, false);
    return;
  }
  if (directory) {
    drop_tree(below); // what was replaced
    rename_tree(from.below, below);
  }
  tell(change_kind::moved, below, directory, from.below);
  // It may have been excluded under its old name.
  if (directory && how_.recursive && is_entered(name) && !by_name_.contains(below))
    if (!add_tree(below, true))
      tell(change_kind::overflow, below, true);
}

void watch_state::tell(change_kind kind, const std::string& below, bool directory,
                       const std::string& from) {
  if (!only_.empty() && below != only_ && from != only_ && kind != change_kind::gone
      && kind != change_kind::overflow)
    return;
  // A program that writes in small pieces is one change.
  const bool repeats = kind == change_kind::modified || kind == change_kind::attributes;
  if (auto i = last_.find(below); repeats && i != last_.end() && i->second == kind)
    return;
  last_[below] = kind;
  changes_.push_back(
    {kind, absolute(below), from.empty() ? std::string{} : absolute(from), directory});
  if (changes_.size() >= max_batch)
    flush();
}

void watch_state::flush() {
  last_.clear();
  if (changes_.empty())
    return;
  auto out = std::move(changes_);
  changes_.clear();
  if (!closed.load())
    to_(std::move(out));
}

} // namespace holt::files
