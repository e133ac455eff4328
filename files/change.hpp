// SPDX-License-Identifier: Apache-2.0
#pragma once

// What write and edit share: the state of a file before and after as a plan keeps it, and the
// decision after a crash whether the change was made.

#include "files/content.hpp"
#include "files/replacement.hpp"

namespace holt::files {

struct file_state {
  entry_look look;
  std::string sha256; ///< empty: absent, or too large to be hashed for a plan
};

/// The file at `slot` as it is now. is_directory, unsupported (a FIFO, a device, a link).
result<file_state> state_of(const file_context& context, const path_jail::slot& slot,
                            std::string_view shown);

/// Whether this process may change it: `denied` also for root when nobody may write.
result<void> check_writable(const path_jail::slot& slot, std::string_view shown);

/// `absent` when even its folder is missing.
result<std::optional<path_jail::slot>> find_target(const file_context& context,
                                                   const jailed_path& where);

nlohmann::json state_to_plan(const file_state& state);

/// The whole plan of a change of content.
file_plan change_plan(const file_state& before, std::uint64_t size, const std::string& sha256);
bool is_change_plan(const file_plan& plan) noexcept;
std::string planned_temporary(const file_plan& plan);

enum class change_state : std::uint8_t {
  not_made, ///< the file is as it was when the plan was made
  made,     ///< it is as the plan wanted it
  unknown,  ///< somebody else was there
};

/// Also removes the temporary file of a run that was killed.
result<change_state> look_back(const file_context& context, const jailed_path& where,
                               const file_plan& plan);

/// `if_match` against the file now; a conflict names the hash that is there.
result<void> check_match(const file_context& context, const path_jail::slot& slot,
                         const std::string& if_match, const file_plan& plan,
                         std::string_view shown);

} // namespace holt::files
