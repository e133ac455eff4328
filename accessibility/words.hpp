// SPDX-License-Identifier: Apache-2.0
#pragma once

// Words of the accessibility tree: names of roles and states as AT-SPI numbers them, and the ids
// by which later calls name a node. Pure.

#include "accessibility/bus.hpp"

#include <string_view>

namespace holt::accessibility {

enum class state : unsigned { focused = 12, showing = 25 };

/// "push button"; "role 200" for one that has no name.
std::string role_name(std::uint32_t role);
constexpr std::uint32_t password_role = 40;
constexpr std::uint32_t application_role = 75;

/// Whether `wanted` names this role: also with - or _ for a blank, in any case, and "button" for
/// "push button".
bool names_role(std::string_view wanted, std::string_view role);

bool has_state(const std::vector<std::uint32_t>& bits, state which);
/// Without what says nothing to a caller (visible, stale and the like).
std::vector<std::string> state_names(const std::vector<std::uint32_t>& bits);

constexpr std::size_t name_limit = 4'096; ///< bytes of what a program calls something
/// Cut between two characters, in memory of its own size.
std::string shortened(std::string text, std::size_t bytes);

/// Letters, digits and `. ~ _ -` only. `mark` is the bus's.
std::string make_node_id(const std::string& mark, const node_address& where);
/// not_found for what is no id, or one of an earlier bus.
result<node_address> parse_node_id(std::string_view id, std::string_view mark);

} // namespace holt::accessibility
