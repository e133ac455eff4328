// SPDX-License-Identifier: Apache-2.0
#include "actors/file_api_fields.hpp"

#include "transport/json_guard.hpp"
#include "transport/whole_number.hpp"

#include <algorithm>

namespace holt {

namespace {

constexpr std::size_t max_answer = 64 * 1024 * 1024;

} // namespace

void query_reader::refuse(std::string_view name, std::string detail) {
  if (wrong())
    return;
  field_ = name;
  detail_ = std::move(detail);
}

http::response query_reader::why() const {
  return http::problem({errc::invalid_request, detail_}, {{"field", files::printable(field_)}});
}

std::optional<std::string> query_reader::optional_text(const char* name) {
  auto got = what_.query_value(name);
  return got ? std::optional<std::string>{*got} : std::nullopt;
}

std::string query_reader::text(const char* name) {
  auto got = what_.query_value(name);
  if (!got || got->empty())
    refuse(name, "the query parameter " + std::string{name} + (got ? " is empty" : " is missing"));
  return std::string{got.value_or("")};
}

bool query_reader::flag(const char* name, bool fallback) {
  auto got = what_.query_value(name);
  if (!got)
    return fallback;
  if (*got == "true" || *got == "1" || got->empty())
    return true;
  if (*got != "false" && *got != "0")
    refuse(name, "the query parameter " + std::string{name} + " must be true or false");
  return false;
}

std::optional<std::uint64_t> query_reader::number(const char* name, std::uint64_t low,
                                                  std::uint64_t high) {
  auto got = what_.query_value(name);
  if (!got)
    return std::nullopt;
  const auto out = whole_number<std::uint64_t>(*got);
  if (!out || *out < low || *out > high) {
    refuse(name, "the query parameter " + std::string{name} + " must be a whole number from "
                   + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
  }
  return out;
}

std::optional<unsigned> query_reader::mode(const char* name) {
  auto got = what_.query_value(name);
  if (!got)
    return std::nullopt;
  nlohmann::json body{{name, std::string{*got}}};
  files::field_reader reader{body};
  auto out = reader.mode(name);
  if (!out)
    refuse(name,
           "the query parameter " + std::string{name} + " must be octal permission bits, as 0644");
  return out;
}

void query_reader::only(std::initializer_list<std::string_view> names) {
  for (const auto& [key, value] : what_.query)
    if (std::find(names.begin(), names.end(), key) == names.end())
      refuse(key, "there is no query parameter " + files::printable(key));
}

result<nlohmann::json> file_body(const http::request& what) {
  auto type = what.header_value("content-type");
  if (!type.empty() && type.rfind("application/json", 0) != 0)
    return error{errc::unsupported_type, "the body must be application/json"};
  auto parsed = http::parse_json(what.body);
  if (parsed && !parsed->is_object())
    return error{errc::unprocessable, "the body must be a JSON object"};
  return parsed;
}

result<void> only_fields(const nlohmann::json& body,
                         std::initializer_list<std::string_view> names) {
  for (const auto& [key, value] : body.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      return error{errc::unprocessable, "there is no field " + files::printable(key)};
  return {};
}

std::optional<http::response> strict_body(const http::request& what,
                                          std::initializer_list<std::string_view> fields,
                                          nlohmann::json& body) {
  query_reader query{what};
  query.only({});
  if (query.wrong())
    return query.why();
  auto got = file_body(what);
  if (!got)
    return http::problem(got.error());
  if (auto good = only_fields(*got, fields); !good)
    return http::problem(good.error());
  body = std::move(*got);
  return std::nullopt;
}

command_outcome run_command(const file_api_ptr& api, command_kind kind, nlohmann::json body) {
  auto context = api->files;
  context.limits.max_inline = max_answer;
  command what;
  what.kind = kind;
  what.id = "http";
  what.body = std::move(body);
  auto plan = files::plan_file_command(context, what);
  if (!plan)
    return command_outcome::failure(plan.error());
  return files::run_file_command(context, what, *plan);
}

std::string snake_name(std::string_view camel) {
  std::string out;
  for (char c : camel) {
    if (c >= 'A' && c <= 'Z') {
      out += '_';
      c = static_cast<char>(c + 32);
    }
    out += c;
  }
  return out;
}

std::string camel_name(std::string_view snake) {
  std::string out;
  bool up = false;
  for (char c : snake) {
    if (c != '_')
      out += up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    up = c == '_';
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
  if (plain) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += http::dump_safe(nlohmann::json(std::string{text}));
  }
}

} // namespace holt
