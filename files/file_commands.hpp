// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every fs.* command of sbx/1 on a path_jail. Blocking: runs on the pool for blocking work. Those
// that change something are split into plan and run, so that a crash between the two can be
// settled: the plan, kept in the journal before the effect, holds the hashes of the state before
// and after. Every change of content is temporary file + fsync + rename.

#include "files/path_jail.hpp"
#include "messages/command.hpp"

#include <atomic>
#include <functional>

namespace holt::files {

struct file_limits {
  std::size_t max_inline = 700 * 1024;       ///< bytes of content in one answer; more is `large`
  std::uint64_t max_read = 64 * 1024 * 1024; ///< bytes of one read
  std::uint64_t max_write = 16ull << 30;     ///< bytes of a file that a command makes
  std::size_t max_entries = 100'000;         ///< of list, glob and tree
  std::size_t max_matches = 10'000;          ///< of grep
};

struct file_context {
  std::shared_ptr<const path_jail> jail;
  file_limits limits;
  /// Folder for uploads (fs.put), outside the roots; empty: uploads are `unsupported`.
  std::string upload_dir;
  /// Looked at between steps; set: `cancelled`, with nothing half done.
  const std::atomic<bool>* cancelled = nullptr;
  /// Tests: called at every named step of a change (`temp_written`, `renamed`, …).
  std::function<void(std::string_view step)> at_step;
  /// Tests: errno that the named call (`write`, `fsync`, `rename`) fails with; 0: none.
  std::function<int(std::string_view call)> fault;
};

/// What the journal keeps of a change before it is made; opaque to the journal. Null for commands
/// without an effect.
using file_plan = nlohmann::json;

/// Looks only. An error here is the command's final answer (no effect will follow).
result<file_plan> plan_file_command(const file_context& context, const command& what);

/// Does it. `plan` is what plan_file_command said.
command_outcome run_file_command(const file_context& context, const command& what,
                                 const file_plan& plan);

/// After a crash between plan and answer: looks whether the change was made, makes it if it was
/// not, and answers as run_file_command would have. `interrupted` when somebody else has changed
/// the file since.
command_outcome settle_file_command(const file_context& context, const command& what,
                                    const file_plan& plan);

/// Removes temporary files of ours that a crash left below the roots' touched folders, and uploads
/// older than an hour. Answers how many.
std::size_t sweep_leftovers(const file_context& context, const std::vector<std::string>& folders);

} // namespace holt::files
