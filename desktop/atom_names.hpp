// SPDX-License-Identifier: Apache-2.0
#pragma once

// Atoms of one connection by name and names by atom, each asked once. Programs can make as many
// atoms as they like, so what is remembered is bounded. On the connection's thread; must not
// outlive it.

#include "desktop/connection.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace holt::desktop {

class atom_names {
public:
  explicit atom_names(connection& x) : x_(x) {}

  /// The atom of this name, made if need be. io.
  result<xcb_atom_t> atom(const std::string& name);

  /// Their names, in one round trip for all that are new; empty for what is no atom.
  std::vector<std::string> names(const std::vector<xcb_atom_t>& atoms);

private:
  void remember(xcb_atom_t atom, const std::string& name);

  connection& x_;
  std::unordered_map<std::string, xcb_atom_t> by_name_;
  std::unordered_map<xcb_atom_t, std::string> by_atom_;
};

} // namespace holt::desktop
