// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who is present in the channel, as presence_state and presence_diff tell it. Only sandboxes are
// kept (role `sandbox`), by phx_ref, so that a crowd of agents costs nothing. Pure; part of
// realtime_machine's state.

#include "link/link_port.hpp"

#include <map>
#include <string>
#include <vector>

namespace holt::link::realtime {

class presence_table {
public:
  /// A new join: nothing is known until the state comes.
  void reset();
  /// Each answers whether the sandboxes changed or are known now for the first time.
  bool take_state(const nlohmann::json& state);
  bool take_diff(const nlohmann::json& diff);
  std::vector<link_presence> sandboxes() const;

private:
  bool add(const nlohmann::json& members);
  bool remove(const nlohmann::json& members);

  bool known_ = false;
  std::map<std::string, link_presence> by_ref_; ///< by phx_ref
  std::vector<nlohmann::json> early_;           ///< diffs that came before the state
};

} // namespace holt::link::realtime
