// SPDX-License-Identifier: Apache-2.0
#pragma once

// A window as every answer shows it (fields of npm sandbox-agent 0.4.2, and ours beside them).
// Pure; defined in gateway_windows.cpp.

#include "desktop/windows.hpp"

#include <nlohmann/json.hpp>

namespace holt {

nlohmann::json window_json(const desktop::window_info& what);

} // namespace holt
