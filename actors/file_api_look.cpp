// SPDX-License-Identifier: Apache-2.0

// File routes that only look: entries, stat, glob, grep.

#include "actors/file_api_fields.hpp"
#include "files/listing.hpp"
#include "files/transfer.hpp"
#include "messages/time_text.hpp"
#include "transport/json_guard.hpp"

#include <chrono>

namespace holt {

namespace {

using files::entry_type;
using nlohmann::json;

constexpr std::uint64_t max_depth = 200;

http::response json_text(std::string text) {
  http::response out;
  out.headers.push_back({"Content-Type", "application/json"});
  out.body = std::make_shared<const std::string>(std::move(text));
  return out;
}

void append_path(std::string& out, const char* field, std::string_view path) {
  out += '"';
  out += field;
  out += "\":";
  if (is_utf8(path)) {
    append_json_string(out, path);
    return;
  }
  append_json_string(out, to_base64(path));
  out.append(",\"").append(field).append("Encoding\":\"base64\"");
}

/// The contract knows two types; `kind` tells the four that there are.
std::string_view contract_type(entry_type type) {
  return type == entry_type::directory ? "directory" : "file";
}

std::string time_of(std::int64_t ns_since_1970) {
  return to_rfc3339(std::chrono::system_clock::time_point{std::chrono::nanoseconds{ns_since_1970}},
                    9);
}

/// Four octal digits.
std::string mode_text(std::uint32_t mode) {
  std::string out(4, '0');
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, mode >>= 3)
    *digit = static_cast<char>('0' + (mode & 7));
  return out;
}

void append_entry(std::string& out, const files::listed_entry& one) {
  out += '{';
  append_path(out, "name", one.name);
  out += ',';
  append_path(out, "path", one.path);
  out.append(",\"entryType\":\"").append(contract_type(one.look.type));
  out.append("\",\"size\":").append(std::to_string(one.look.size));
  out.append(",\"modified\":\"").append(time_of(one.look.modified_ns));
  out.append("\",\"kind\":\"").append(to_string(one.look.type));
  out.append("\",\"mode\":\"").append(mode_text(one.look.mode)).append("\"}");
}

/// `type` becomes entryType and kind, modified_ms becomes modified; names in camelCase.
json translated(const json& from) {
  if (from.is_array()) {
    json out = json::array();
    for (const auto& one : from)
      out.push_back(translated(one));
    return out;
  }
  if (!from.is_object())
    return from;
  json out = json::object();
  for (const auto& [key, value] : from.items()) {
    if (key == "type" && value.is_string()) {
      out["kind"] = value;
      out["entryType"] = value == "directory" ? "directory" : "file";
    } else if (key == "modified_ms" && value.is_number_integer()) {
      out["modified"] = time_of(value.get<std::int64_t>() * 1'000'000);
    } else {
      out[camel_name(key)] = translated(value);
    }
  }
  return out;
}

/// A detail that begins with a field says its name as the caller wrote it.
std::string in_our_names(std::string detail, std::initializer_list<std::string_view> fields) {
  for (const auto field : fields) {
    const auto theirs = snake_name(field);
    const auto n = theirs.size();
    if (detail.size() > n && detail.compare(0, n, theirs) == 0
        && (detail[n] == ' ' || detail[n] == '['))
      return detail.replace(0, n, field);
  }
  return detail;
}

http::response run_search(const file_api_ptr& api, const http::request& what, command_kind kind,
                          std::initializer_list<std::string_view> fields) {
  json body;
  if (auto wrong = strict_body(what, fields, body))
    return std::move(*wrong);
  json command = json::object();
  for (const auto& [key, value] : body.items())
    command[snake_name(key)] = value;
  auto got = run_command(api, kind, std::move(command));
  if (!got.ok())
    return http::problem({got.code, in_our_names(std::move(got.detail), fields)});
  return json_text(http::dump_safe(translated(got.fields)));
}

} // namespace

http::streaming_response file_entries(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  auto path = query.optional_text("path").value_or("");
  const bool recursive = query.flag("recursive", false);
  auto depth = query.number("depth", 1, max_depth);
  auto limit = query.number("limit", 1, api->files.limits.max_entries);
  if (query.wrong())
    return query.why();
  files::listing_options how;
  how.depth = depth.value_or(recursive ? max_depth : 1);
  how.limit = limit.value_or(api->files.limits.max_entries);
  auto got = files::list_entries(api->files, path.empty() ? "." : path, how);
  if (!got)
    return http::problem(got.error());
  std::string text = "[";
  text.reserve(got->entries.size() * 192 + 2);
  for (const auto& one : got->entries) {
    if (text.size() > 1)
      text += ',';
    append_entry(text, one);
  }
  text += ']';
  auto out = json_text(std::move(text));
  // The answer is an array, so what is about it goes in headers.
  if (got->truncated)
    out.headers.push_back({"Holt-Truncated", "true"});
  if (got->unreadable > 0)
    out.headers.push_back({"Holt-Unreadable", std::to_string(got->unreadable)});
  return out;
}

http::streaming_response file_stat(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  auto path = query.text("path");
  if (query.wrong())
    return query.why();
  auto got = files::stat_path(api->files, path);
  if (!got)
    return http::problem(got.error());
  const auto& look = got->entry.look;
  std::string text = "{";
  append_path(text, "path", got->entry.path);
  text.append(",\"entryType\":\"").append(contract_type(look.type));
  text.append("\",\"size\":").append(std::to_string(look.size));
  text.append(",\"modified\":\"").append(time_of(look.modified_ns));
  text.append("\",\"kind\":\"").append(got->link ? "symlink" : to_string(look.type));
  text.append("\",\"mode\":\"").append(mode_text(look.mode));
  text.append("\",\"uid\":").append(std::to_string(look.uid));
  text.append(",\"gid\":").append(std::to_string(look.gid)).append("}");
  auto out = json_text(std::move(text));
  if (look.type == entry_type::file)
    out.headers.push_back({"ETag", got->etag});
  return out;
}

http::streaming_response file_glob(const file_api_ptr& api, const file_request& what) {
  return run_search(api, what, command_kind::fs_glob,
                    {"pattern", "path", "hidden", "kind", "limit", "brief"});
}

http::streaming_response file_grep(const file_api_ptr& api, const file_request& what) {
  return run_search(api, what, command_kind::fs_grep,
                    {"pattern", "path", "regex", "glob", "ignoreCase", "word", "context", "before",
                     "after", "maxCount", "maxPerFile", "filesOnly", "hidden", "binary",
                     "exclude"});
}

} // namespace holt
