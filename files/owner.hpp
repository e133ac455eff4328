// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whose a new file is: when the daemon is root, its folder's owner's, so that a command run as
// another user can change it later. Never fails: at worst it stays root's.

#include <string>

namespace holt::files {

/// Gives the folder `name` in `folder` to the owner of `folder`.
void adopt_owner(int folder, const std::string& name) noexcept;

/// The same for a file that is open.
void adopt_owner(int folder, int file) noexcept;

} // namespace holt::files
