// SPDX-License-Identifier: Apache-2.0
#pragma once

// One watch: which folders it watches under which names, and what the kernel's events mean.
// Used by one thread at a time: the one that begins it, then the hub's. Private to files/.

#include "files/folder.hpp"
#include "files/watch.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

struct inotify_event;

namespace holt::files {

class watch_state {
public:
  using clock = std::chrono::steady_clock;

  watch_state(file_context context, jailed_path where, watch_options how, watch_limits limits,
              watch_hub::sink to);

  /// Watches everything. An error: nothing is.
  result<void> begin();
  int fd() const noexcept { return inotify_.get(); }
  const std::string& shown() const noexcept { return shown_; }

  /// Reads what there is and tells it. False: it is over.
  bool read_events();
  /// A move out of what is watched looks like the first half of a rename: it is one when the second
  /// half has not come by then.
  std::optional<clock::time_point> pending_until() const noexcept {
    return pending_ ? std::optional{pending_->until} : std::nullopt;
  }
  void settle_pending();

  std::atomic<bool> closed{false};

private:
  struct folder {
    std::string below;                    ///< relative to the top; empty: the top
    std::unordered_set<std::string> told; ///< names whose `created` a scan has told already
    std::uint64_t seen = 0;               ///< number of the scan that met it last
  };
  struct half_move {
    std::uint32_t cookie = 0;
    std::string below;
    bool directory = false;
    bool ours = false; ///< a temporary file of ours
    clock::time_point until;
  };

  result<void> add_tree(const std::string& below, bool tell);
  /// The folder's entries to go on with; none when it is gone.
  result<std::vector<std::string>> add_folder(const std::string& below, bool tell);
  void drop_tree(const std::string& below);
  void rename_tree(const std::string& from, const std::string& to);
  void rescan();
  void handle(const inotify_event& event, std::string_view name);
  void appeared(const std::string& below, bool directory, folder& in, const std::string& name);
  void moved_here(const inotify_event& event, const std::string& below, bool directory, folder& in,
                  const std::string& name);
  void tell(change_kind kind, const std::string& below, bool directory,
            const std::string& from = {});
  void flush();
  std::string absolute(const std::string& below) const;
  bool is_entered(std::string_view name) const;

  file_context context_;
  jailed_path where_; ///< the top: a folder
  watch_options how_;
  watch_limits limits_;
  watch_hub::sink to_;
  std::string shown_; ///< of what was asked for
  std::string only_;  ///< where it is one file: its name
  unique_fd inotify_;
  std::unordered_map<int, folder> folders_; ///< by the kernel's number
  std::map<std::string, int> by_name_;
  std::optional<half_move> pending_;
  std::vector<file_change> changes_;
  std::unordered_map<std::string, change_kind> last_; ///< of this batch
  std::uint64_t scan_ = 0;
  int top_ = -1;
  bool over_ = false;
};

} // namespace holt::files
