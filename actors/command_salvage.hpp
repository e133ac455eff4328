// SPDX-License-Identifier: Apache-2.0
#pragma once

// The id of a command whose JSON is beyond the limits or breaks off: what an error can be answered
// to. Pure; never recurses, never throws.

#include <string>
#include <string_view>

namespace holt {

/// The member `id` of the outermost object, when it and a `type` that is no daemon's can be read;
/// else empty.
std::string salvage_command_id(std::string_view text);

} // namespace holt
