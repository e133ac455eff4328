// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whose a session is where several sandboxes have joined it (docs/protocol-sbx1.md, section 5,
// rule 6): of those that are present the oldest. Pure; asked by a command_ledger.

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holt::link {

/// A meta of presence with role sandbox.
struct sandbox_presence {
  std::string id;
  std::int64_t since = 0; ///< when the id was made; ms
  std::int64_t boot = 0;  ///< start of its daemon; ms
};
/// Nothing for any other meta.
std::optional<sandbox_presence> sandbox_presence_of(const nlohmann::json& meta);

/// Of all that are present the one that owns the session instead of `id`, which is as old as
/// `since` says whatever its own metas tell.
std::optional<std::string> owner_instead_of(const std::string& id, std::int64_t since,
                                            const std::vector<sandbox_presence>& all);

} // namespace holt::link
