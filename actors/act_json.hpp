// SPDX-License-Identifier: Apache-2.0
#pragma once

// Acts as callers write them (fields of npm sandbox-agent 0.4.2, and ours beside them). Pure.
// Errors name the field: unprocessable where it is missing or of the wrong type,
// desktop_invalid_action where its value cannot be.

#include "desktop/acts.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

namespace holt {

/// `kind`: move, click, down, up, drag, scroll, type, press, key_down, key_up, wait.
result<desktop::act> read_act(std::string_view kind, const nlohmann::json& fields);

/// The field `actions`: at most 100 acts, each with its kind as `type`.
result<std::vector<desktop::act>> read_acts(const nlohmann::json& body);

/// What the feed tells of an act; never the text that was typed.
nlohmann::json describe_act(const desktop::act& what);

} // namespace holt
