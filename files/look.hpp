// SPDX-License-Identifier: Apache-2.0
#pragma once

// What one look at a directory entry tells, and what a plan keeps of it: enough to say later
// whether it is still the same thing. Never opens what it looks at.

#include "files/path_jail.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holt::files {

enum class entry_type : std::uint8_t { absent, file, directory, symlink, other };

/// `file`, `directory`, `symlink`, `other`.
std::string_view to_string(entry_type) noexcept;

struct entry_look {
  entry_type type = entry_type::absent;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0; ///< bytes
  unsigned mode = 0;      ///< permission bits, 07777
  unsigned uid = 0;
  unsigned gid = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::int64_t born_ns = 0; ///< 0: the file system does not say

  bool exists() const noexcept { return type != entry_type::absent; }
};

/// `name` in `folder`; links are not followed. `absent` is no error.
result<entry_look> look_at(int folder, const std::string& name, std::string_view shown);
/// What is open.
result<entry_look> look_at(int fd, std::string_view shown);

/// The same incarnation of the same inode, whatever was done to it.
bool same_thing(const entry_look& a, const entry_look& b) noexcept;
/// The same thing and not touched in between.
bool untouched(const entry_look& a, const entry_look& b) noexcept;

/// For plans; null for what is absent.
nlohmann::json to_plan(const entry_look& what);
entry_look look_from_plan(const nlohmann::json& plan);

/// Whether this process may read or write what `path_fd` (O_PATH) is. The mode bits bind root too:
/// what nobody may read, root does not read. 0, or why not: EACCES, EROFS …
int may_read(int path_fd, const entry_look& what) noexcept;
int may_write(int path_fd, const entry_look& what) noexcept;

/// `{name, path, type, size, modified_ms, mode}`; a name that is no UTF-8 as base64, with
/// `name_encoding` and `path_encoding`.
nlohmann::json entry_json(std::string_view name, std::string_view path, const entry_look& what);
/// Puts a name or path under `field`; other bytes than UTF-8 as base64 with `<field>_encoding`.
void put_path(nlohmann::json& into, std::string_view field, std::string_view path);

} // namespace holt::files
