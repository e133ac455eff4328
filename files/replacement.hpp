// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the content of a file changes: a temporary file beside it (`.holt-…`, O_EXCL, locked while
// we live), written, synced, renamed over it, the folder synced. Whoever reads sees the old or the
// new content, never a mixture; a crash leaves at most the temporary file. Used by one thread.

#include "files/content.hpp"

#include <mutex>
#include <optional>

namespace holt::files {

/// `.holt-` and 16 random hex digits.
std::string temporary_name();
bool is_temporary_name(std::string_view name) noexcept;

/// Changes of the same entry take turns within this daemon: what was checked stays true until the
/// rename.
class entry_lock {
public:
  entry_lock(const path_jail::slot& one);
  entry_lock(const path_jail::slot& one, const path_jail::slot& other);

private:
  std::unique_lock<std::mutex> first_;
  std::unique_lock<std::mutex> second_;
};

class replacement {
public:
  /// Makes the temporary file. `old`: what will be replaced, its owner, mode and extended
  /// attributes are kept; absent: a new file. `mode` overrides.
  static result<replacement> begin(const file_context& context, const path_jail::slot& slot,
                                   const std::string& temporary, const entry_look& old,
                                   std::optional<unsigned> mode, std::string_view shown);
  replacement(replacement&&) noexcept;
  ~replacement();

  result<void> write(std::string_view bytes);
  /// All bytes of another file.
  result<void> copy_from(int fd);
  result<void> sync();
  /// Instead of now; before commit.
  void set_modified(std::int64_t seconds, long nanoseconds) noexcept;
  /// `fresh`: `exists` when there is something by that name.
  result<void> commit(bool fresh);
  /// The same to another place of this file system; not `durable`: no folder is synced.
  result<void> commit_at(const path_jail::slot& target, bool fresh, bool durable);

private:
  replacement() = default;

  const file_context* context_ = nullptr;
  const path_jail::slot* slot_ = nullptr;
  std::string temporary_;
  std::string shown_;
  unique_fd file_;
  bool first_piece_ = true;
};

/// Makes a rename in it outlive a loss of power; silent where folders cannot be synced.
void sync_folder(int path_fd) noexcept;

/// ACL and what users attached; what the file system does not take is left out.
void copy_attributes(int from, int to);

/// renameat2 that replaces nothing; answers an errno or 0.
int rename_fresh(int from_folder, const std::string& from, int to_folder, const std::string& to);

} // namespace holt::files
