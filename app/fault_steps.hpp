// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests of crashes: the daemon kills itself at a named step of the journal or of a change of a
// file. Told by HOLT_TEST_KILL_AT=STEP:N (the N-th time); without it there is no hook at all.

#include <functional>
#include <string_view>

namespace holt {

/// Empty without the variable.
std::function<void(std::string_view step)> fault_at_step();

} // namespace holt
