// SPDX-License-Identifier: Apache-2.0
#pragma once

// Moments as text, the same for everybody who reads them. Pure, by no locale and no time zone.

#include <chrono>
#include <string>

namespace holt {

/// RFC 3339 in UTC with `digits` (0 to 9) of a second's fraction, cut: 2023-11-14T22:13:20.007Z.
std::string to_rfc3339(std::chrono::system_clock::time_point when, unsigned digits = 3);

} // namespace holt
