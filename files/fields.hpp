// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the fields of a command's body. The first wrong one is kept and named; after it every
// answer is the fallback, so that callers read all and ask once.

#include "files/path_jail.hpp"
#include "messages/command.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holt::files {

class field_reader {
public:
  explicit field_reader(const nlohmann::json& body) : body_{body} {}

  /// Required; unprocessable when it is missing.
  std::string text(const char* field);
  std::optional<std::string> optional_text(const char* field);
  bool flag(const char* field, bool fallback);
  /// A whole number from `low` to `high`.
  std::optional<std::uint64_t> number(const char* field, std::uint64_t low, std::uint64_t high);
  /// Permission bits: `"0644"`, `"755"` (octal) or a number; at most 0777 and the sticky bit.
  std::optional<unsigned> mode(const char* field);
  /// Names of folders and the like: an array of non-empty strings.
  std::vector<std::string> texts(const char* field, std::vector<std::string> fallback);
  /// The bytes of `field` as `encoding` (utf8, base64) says.
  std::string bytes(const char* field, const char* encoding = "encoding");
  /// The value, null when it is missing.
  const nlohmann::json& raw(const char* field) const;

  void refuse(errc code, std::string detail);
  bool wrong() const noexcept { return wrong_.has_value(); }
  const error& why() const noexcept { return *wrong_; }

private:
  const nlohmann::json* find(const char* field);

  const nlohmann::json& body_;
  std::optional<error> wrong_;
};

/// The path in `field` (base64 when `<field>_encoding` says so), placed in the jail. Missing:
/// `fallback`, or unprocessable when that is empty.
result<jailed_path> read_path(field_reader& from, const path_jail& jail, const char* field = "path",
                              std::string_view fallback = {});

} // namespace holt::files
