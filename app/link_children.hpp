// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command link as children of the tree: the broker, and the group `link` of journal, commands
// and one channel for each link.

#include "app/children.hpp"

namespace holt {

std::vector<supervision::child_spec>
link_children(const shared_parts& parts, const loaded_config& loaded, const std::string& state_dir);

} // namespace holt
