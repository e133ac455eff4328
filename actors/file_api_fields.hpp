// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the file routes share: fields of a query (the first wrong one is kept and named), bodies,
// and commands of sbx/1 run in one step. Pure but for run_command.

#include "actors/file_api.hpp"
#include "files/fields.hpp"

#include <initializer_list>
#include <optional>

namespace holt {

class query_reader {
public:
  explicit query_reader(const http::request& what) : what_{what} {}

  /// Required and not empty.
  std::string text(const char* name);
  std::optional<std::string> optional_text(const char* name);
  /// true, false, 1, 0; there without a value: true.
  bool flag(const char* name, bool fallback);
  std::optional<std::uint64_t> number(const char* name, std::uint64_t low, std::uint64_t high);
  /// Octal permission bits.
  std::optional<unsigned> mode(const char* name);
  /// Any other is refused: for routes that the published client does not know.
  void only(std::initializer_list<std::string_view> names);

  bool wrong() const noexcept { return !field_.empty(); }
  /// 400, with the member `field`.
  http::response why() const;

private:
  void refuse(std::string_view name, std::string detail);

  const http::request& what_;
  std::string field_;
  std::string detail_;
};

/// The JSON object of a body that must be there. invalid_request, unprocessable, unsupported_type.
result<nlohmann::json> file_body(const http::request& what);

/// unprocessable for a field that is not in `names`.
result<void> only_fields(const nlohmann::json& body, std::initializer_list<std::string_view> names);

/// The body of a route of ours: without a query, and with no other fields than these. Else what to
/// answer.
std::optional<http::response> strict_body(const http::request& what,
                                          std::initializer_list<std::string_view> fields,
                                          nlohmann::json& body);

/// Plan and run. Answers may be as large as memory bears (64 MiB).
command_outcome run_command(const file_api_ptr& api, command_kind kind, nlohmann::json body);

/// camelCase to snake_case and back, for the names of fields.
std::string snake_name(std::string_view camel);
std::string camel_name(std::string_view snake);

/// A JSON string with its quotes; other bytes than UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

} // namespace holt
