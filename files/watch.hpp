// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells what changes below a folder, by inotify. When `watch` has answered, every later change is
// told: folders that appear are watched and what is in them already is told too, moved folders are
// followed, and where something may have been missed it says so (`overflow`). One thread of its own
// for all watches of a hub; an inotify instance for each, so that a busy one costs no other its
// queue. Paths come from the jail; nothing outside is ever watched.

#include "files/file_commands.hpp"

#include <functional>

namespace holt::files {

enum class change_kind : std::uint8_t {
  created,
  modified,   ///< content; also a file that was put in place by our own atomic replacement
  removed,    ///< or moved to where nobody watches
  moved,      ///< `from` says from where
  attributes, ///< mode, owner, times
  overflow,   ///< changes were lost: look anew at everything below `path`
  gone,       ///< what is watched is not there any more; the last one
};

std::string_view to_string(change_kind) noexcept;

struct file_change {
  change_kind kind = change_kind::modified;
  std::string path; ///< absolute
  std::string from; ///< of moved
  bool directory = false;
};

struct watch_options {
  bool recursive = false;
  std::vector<std::string> exclude{".git"}; ///< names of folders that are not entered
};

struct watch_limits {
  std::size_t watches = 64;     ///< at once
  std::size_t folders = 16'384; ///< of one watch
};

class watch_hub : public std::enable_shared_from_this<watch_hub> {
public:
  /// On the hub's thread, in order; must not block. While a handle is being destroyed it may be
  /// called once more.
  using sink = std::function<void(std::vector<file_change>)>;

  static std::shared_ptr<watch_hub> make(watch_limits limits = {});
  virtual ~watch_hub() = default;

  /// One watch; ends when it is destroyed.
  class handle {
  public:
    virtual ~handle() = default;
    /// Absolute, as answers name it.
    virtual const std::string& shown() const noexcept = 0;
  };

  /// Blocks until everything is watched: what changes after the answer is told. `path` is a folder
  /// or a file. not_found, denied; busy: too many watches, here or in the system;
  /// payload_too_large: more folders than allowed.
  virtual result<std::unique_ptr<handle>> watch(const file_context& context, std::string_view path,
                                                const watch_options& how, sink to)
    = 0;
};

} // namespace holt::files
