// SPDX-License-Identifier: Apache-2.0
#pragma once

// What callers write about the clipboard, checked: its fields, queries, and what the feed tells of
// a change. Errors name the field. Pure.

#include "desktop/clipboard.hpp"
#include "transport/http_types.hpp"

#include <nlohmann/json.hpp>

namespace holt {

struct clipboard_boards {
  bool clipboard = false;
  bool primary = false;
};

/// `both_too`: of a write.
result<clipboard_boards> read_selection(std::string_view word, bool both_too);

struct clipboard_writing {
  clipboard_boards which;
  std::vector<desktop::clip_part> parts;
  std::size_t bytes = 0; ///< of all parts
};

/// `text`, `html`, `image`, `uris`, `selection`; HTML alone gets its text beside it. unprocessable,
/// invalid_request, payload_too_large.
result<clipboard_writing> read_clipboard(const nlohmann::json& body);

/// The media type that `format` asks for, or `image`; empty: none is asked for. invalid_request.
result<std::string> read_clipboard_format(const http::request& request);

/// The answer with a part's bytes: never shown as a page of ours, whatever it is.
http::response clipboard_part_response(const desktop::clip_part& part);

/// Kind `clipboard` of the feed; `by` of the change is `agent NAME`, `person NAME`, or nothing.
nlohmann::json clipboard_event(bool primary, const desktop::clipboard_change& what);

} // namespace holt
