// SPDX-License-Identifier: Apache-2.0
#pragma once

// A command of sbx/1 (docs/protocol-sbx1.md) as a value: its envelope decoded and checked, its body
// as it came. And what became of it. Pure; the body's own fields belong to whoever runs the command
// (files/, shell/).

#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

enum class command_kind : std::uint8_t {
  fs_read,
  fs_write,
  fs_list,
  fs_stat,
  fs_mkdir,
  fs_move,
  fs_remove,
  fs_edit,
  fs_glob,
  fs_grep,
  fs_tree,
  fs_watch,
  fs_unwatch,
  fs_put, ///< a piece of an upload; not journaled
  batch,
  shell_exec,
  shell_start,
  shell_input,
  shell_signal,
  shell_resize,
  // control: about other commands; answered at once, never queued
  cancel,
  query,
  resume,
  fetch,
  release,
};

/// `fs.read` …
std::string_view to_string(command_kind) noexcept;
std::optional<command_kind> command_kind_from(std::string_view type) noexcept;

/// It changes something: journaled before its effect. fs.put is not (a piece of an upload); a batch
/// is as its items are, see has_effect(const command&).
bool has_effect(command_kind) noexcept;
/// cancel, query, resume, fetch, release.
bool is_control(command_kind) noexcept;

/// The scope of ids of agents that send no `src`.
inline constexpr std::string_view anonymous_scope = "anon";

struct command {
  command_kind kind = command_kind::fs_read;
  std::string id;                          ///< 1 to 200 bytes; release may have none
  std::string src{anonymous_scope};        ///< agent instance; scope of `id`
  std::string to;                          ///< sandbox id; empty: any
  std::uint32_t attempt = 1;               ///< counts resends
  bool ack = false;                        ///< wants an `ack` at once
  bool stream = false;                     ///< wants `chunk`s while it runs
  std::optional<std::int64_t> deadline_ms; ///< wall clock, ms since 1970
  nlohmann::json body;                     ///< the whole object as it came

  bool anonymous() const noexcept { return src == anonymous_scope; }
};

bool has_effect(const command& what) noexcept;

/// Checks the envelope only. invalid_request: no object, no or wrong id, wrong envelope field;
/// unsupported: unknown type. The error's detail names the field.
result<command> decode_command(const nlohmann::json& payload);

/// The id that an answer can be sent to, even when the rest is malformed; empty when there is none.
std::string command_id(const nlohmann::json& payload);

/// JSON text of what makes two commands the same: keys sorted, without `attempt`, `auth`, `ack`,
/// `stream`. Its SHA-256 is the fingerprint.
std::string canonical_command(const nlohmann::json& payload);

/// What became of a command: an error, or the fields of its result; both for an error that has
/// something to show (output so far).
struct command_outcome {
  errc code = errc::none;
  std::string detail;                               ///< for people; may be empty
  nlohmann::json fields = nlohmann::json::object(); ///< joins the result
  /// What is too large for one message: sent in chunks to agents that asked for `stream`.
  struct large_field {
    std::string name; ///< content, stdout, stderr: names the chunk's stream
    std::string bytes;
  };
  std::vector<large_field> large;

  bool ok() const noexcept { return code == errc::none; }
  static command_outcome failure(const error& why) {
    return {why.code, why.detail, nlohmann::json::object(), {}};
  }
};

/// `{"type":"result","id":…,"ok":…,…}`; a failure has `error` (the sbx/1 word) and, when there is
/// one, `detail`. `large` is not in it.
nlohmann::json result_message(std::string_view id, const command_outcome& what);

/// Puts `bytes` under `name`: text as it is; invalid UTF-8 as base64 with `<name>_encoding`
/// (`encoding` when the name is content).
void put_bytes(nlohmann::json& fields, std::string_view name, std::string_view bytes);

/// RFC 4648 with padding.
std::string to_base64(std::string_view bytes);
/// invalid_request for anything else than canonical base64.
result<std::string> from_base64(std::string_view text);

bool is_utf8(std::string_view bytes) noexcept;

} // namespace holt
