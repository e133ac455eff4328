// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values of a query string, checked. invalid_request where one is no value of its kind,
// desktop_invalid_action where it is out of range; both name it. Pure.

#include "transport/http_types.hpp"

namespace holt {

result<std::optional<int>> query_number(const http::request& request, std::string_view name,
                                        int min, int max);
result<std::optional<double>> query_fraction(const http::request& request, std::string_view name,
                                             double min, double max);
/// `true` or `false`; false where it is not there.
result<bool> query_flag(const http::request& request, std::string_view name);

/// A 404 whose code the published clients know: window_not_found, no_focused_window, app_not_found.
http::response named_not_found(std::string_view word, const std::string& detail);

/// The problem of an error about a window: not_found is window_not_found.
http::response window_problem(const error& why);

/// A window's number as text; not_found for anything else.
result<std::uint32_t> window_id(std::string_view text);

} // namespace holt
