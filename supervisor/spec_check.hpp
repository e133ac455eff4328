// SPDX-License-Identifier: Apache-2.0
#pragma once

// The checks of one spec by itself, shared by validate() and tree::add(). Pure.

#include "supervisor/child_spec.hpp"

namespace holt::supervision {

/// Sane bounds. The error (invalid_request) names id and field.
result<void> check_fields(const child_spec& spec);

} // namespace holt::supervision
