// SPDX-License-Identifier: Apache-2.0
#pragma once

// Single fields of acts, read one by one: numbers, points, buttons, texts, modifiers, keys. Pure.
// Errors name the field: unprocessable where it is missing or of the wrong type,
// desktop_invalid_action where its value cannot be.

#include "desktop/acts.hpp"
#include "desktop/key_names.hpp"

#include <nlohmann/json.hpp>

namespace holt::act_fields {

/// Whether the field is there and not null.
bool given(const nlohmann::json& fields, const char* name);

/// unprocessable: it is not there.
error missing(const std::string& name);

/// A whole number from `min` to `max`.
result<int> read_number(const nlohmann::json& fields, const char* name, int min, int max);

/// The same, `otherwise` where it is not given.
result<int> number_or(const nlohmann::json& fields, const char* name, int otherwise, int min,
                      int max);

/// A place of the desktop, in pixels; not negative.
result<desktop::point> read_point(const nlohmann::json& fields, const char* x_name,
                                  const char* y_name);

/// The field `button`, by its name; the left one where it is not given.
result<unsigned> read_button(const nlohmann::json& fields);

/// A string.
result<std::string> read_text(const nlohmann::json& fields, const char* name);

/// The field `modifiers`, the names of those that are true; unknown names are passed over.
result<std::vector<desktop::keysym>> read_modifiers(const nlohmann::json& fields);

/// The field `key`, a combination like `ctrl+c` where `combined`.
result<desktop::key_chord> read_key(const nlohmann::json& fields, bool combined);

} // namespace holt::act_fields
