// SPDX-License-Identifier: Apache-2.0
#pragma once

// The accessibility tree as the API tells it, and how a program's windows are known as those of
// the X server. Pure.

#include "accessibility/tree.hpp"
#include "desktop/windows.hpp"

#include <nlohmann/json.hpp>

namespace holt {

/// The window of the X server that a node is; nothing for what is no window, and where it cannot be
/// told which.
const desktop::window_info* window_of(const accessibility::answer& all,
                                      const accessibility::node& one,
                                      const std::vector<desktop::window_info>& windows);

/// A node without its children; `truncated` where a limit left some out.
nlohmann::json node_json(const accessibility::node& one);

/// Nested, each with its children. With `only`, of the windows only that one.
nlohmann::json tree_json(const accessibility::answer& all,
                         const std::vector<desktop::window_info>& windows,
                         std::optional<std::uint32_t> only);

/// Those that match, flat, each with its program and its window.
nlohmann::json found_json(const accessibility::answer& all,
                          const std::vector<desktop::window_info>& windows,
                          std::optional<std::uint32_t> only);

} // namespace holt
