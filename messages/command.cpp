// SPDX-License-Identifier: Apache-2.0
#include "messages/command.hpp"

#include "messages/text_bytes.hpp"

#include <algorithm>
#include <array>

namespace holt {

namespace {

constexpr std::size_t max_id_bytes = 200;

constexpr std::array<std::string_view, 25> kind_names{
  "fs.read",    "fs.write",    "fs.list",     "fs.stat",      "fs.mkdir",
  "fs.move",    "fs.remove",   "fs.edit",     "fs.glob",      "fs.grep",
  "fs.tree",    "fs.watch",    "fs.unwatch",  "fs.put",       "batch",
  "shell.exec", "shell.start", "shell.input", "shell.signal", "shell.resize",
  "cancel",     "query",       "resume",      "fetch",        "release",
};

/// Not part of what a command is.
constexpr std::array<const char*, 4> delivery_fields{"attempt", "auth", "ack", "stream"};

error wrong(const char* field, const char* what) {
  return {errc::invalid_request, std::string{field} + " must be " + what};
}

result<void> read_name(const nlohmann::json& from, const char* field, std::string& into) {
  auto i = from.find(field);
  if (i == from.end() || i->is_null())
    return {};
  if (!i->is_string())
    return wrong(field, "a string");
  const auto& text = i->get_ref<const std::string&>();
  if (text.empty() || text.size() > max_id_bytes)
    return wrong(field, "1 to 200 bytes long");
  into = text;
  return {};
}

result<void> read_flag(const nlohmann::json& from, const char* field, bool& into) {
  auto i = from.find(field);
  if (i == from.end() || i->is_null())
    return {};
  if (!i->is_boolean())
    return wrong(field, "true or false");
  into = i->get<bool>();
  return {};
}

result<void> read_envelope(const nlohmann::json& from, command& into) {
  for (auto got :
       {read_name(from, "id", into.id), read_name(from, "src", into.src),
        read_name(from, "to", into.to), read_flag(from, "ack", into.ack),
        // a fetch names a stream
        into.kind == command_kind::fetch ? result<void>{} : read_flag(from, "stream", into.stream)})
    if (!got)
      return got;
  if (into.id.empty() && into.kind != command_kind::release) // release needs no answer
    return error{errc::invalid_request, "id is missing"};
  if (auto i = from.find("attempt"); i != from.end() && !i->is_null()) {
    if (!i->is_number_integer() || i->get<std::int64_t>() < 1
        || i->get<std::int64_t>() > 0xffff'ffff)
      return wrong("attempt", "an integer from 1 on");
    into.attempt = i->get<std::uint32_t>();
  }
  if (auto i = from.find("deadline_ms"); i != from.end() && !i->is_null()) {
    if (!i->is_number())
      return wrong("deadline_ms", "milliseconds since 1970");
    auto at = i->get<double>();
    if (!(at >= 0 && at < 9e15))
      return wrong("deadline_ms", "milliseconds since 1970");
    into.deadline_ms = static_cast<std::int64_t>(at);
  }
  return {};
}

bool item_has_effect(const nlohmann::json& item) {
  auto type = item.is_object() ? item.find("type") : item.end();
  if (!item.is_object() || type == item.end() || !type->is_string())
    return false;
  auto kind = command_kind_from(type->get_ref<const std::string&>());
  return kind && has_effect(*kind);
}

constexpr std::string_view base64_letters
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> base64_values = [] {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < base64_letters.size(); ++i)
    out[static_cast<unsigned char>(base64_letters[i])] = static_cast<std::int8_t>(i);
  return out;
}();

} // namespace

std::string_view to_string(command_kind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

std::optional<command_kind> command_kind_from(std::string_view type) noexcept {
  auto i = std::find(kind_names.begin(), kind_names.end(), type);
  if (i == kind_names.end())
    return std::nullopt;
  return static_cast<command_kind>(i - kind_names.begin());
}

bool has_effect(command_kind kind) noexcept {
  switch (kind) {
  case command_kind::fs_write:
  case command_kind::fs_mkdir:
  case command_kind::fs_move:
  case command_kind::fs_remove:
  case command_kind::fs_edit:
  case command_kind::shell_exec:
  case command_kind::shell_start:
  case command_kind::shell_input:
  case command_kind::shell_signal: return true;
  default: return false;
  }
}

bool is_control(command_kind kind) noexcept {
  return kind >= command_kind::cancel;
}

bool has_effect(const command& what) noexcept {
  if (what.kind != command_kind::batch)
    return has_effect(what.kind);
  auto items = what.body.find("items");
  return items != what.body.end() && items->is_array()
         && std::any_of(items->begin(), items->end(), item_has_effect);
}

result<command> decode_command(const nlohmann::json& payload) {
  if (!payload.is_object())
    return error{errc::invalid_request, "a command is a JSON object"};
  auto type = payload.find("type");
  if (type == payload.end() || !type->is_string())
    return error{errc::invalid_request, "type is missing"};
  command out;
  auto kind = command_kind_from(type->get_ref<const std::string&>());
  if (kind)
    out.kind = *kind;
  if (auto got = read_envelope(payload, out); !got)
    return got.error();
  if (!kind)
    return error{errc::unsupported, "unknown type"};
  out.body = payload;
  return {boost::system::in_place_value, std::move(out)};
}

std::string command_id(const nlohmann::json& payload) {
  std::string out;
  if (payload.is_object())
    (void)read_name(payload, "id", out);
  return out;
}

std::string canonical_command(const nlohmann::json& payload) {
  auto bare = payload; // nlohmann::json keeps the keys of an object sorted
  for (const auto* field : delivery_fields)
    bare.erase(field);
  return bare.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json result_message(std::string_view id, const command_outcome& what) {
  auto out = what.fields.is_object() ? what.fields : nlohmann::json::object();
  out["type"] = "result";
  out["id"] = id;
  out["ok"] = what.ok();
  if (!what.ok()) {
    out["error"] = info(what.code).wire;
    if (!what.detail.empty())
      out["detail"] = what.detail;
  }
  return out;
}

void put_bytes(nlohmann::json& fields, std::string_view name, std::string_view bytes) {
  std::string key{name};
  if (is_utf8(bytes)) {
    fields[key] = bytes;
    return;
  }
  fields[key] = to_base64(bytes);
  fields[name == "content" ? "encoding" : key + "_encoding"] = "base64";
}

std::string to_base64(std::string_view bytes) {
  const auto at
    = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  auto* to = out.data();
  const auto put = [&to](unsigned n, int count) {
    for (int shift = 18; count > 0; --count, shift -= 6)
      *to++ = base64_letters[n >> shift & 63];
  };
  const auto whole = bytes.size() - bytes.size() % 3;
  for (std::size_t i = 0; i < whole; i += 3)
    put(at(i) << 16 | at(i + 1) << 8 | at(i + 2), 4);
  if (bytes.size() - whole == 1)
    put(at(whole) << 16, 2);
  else if (bytes.size() - whole == 2)
    put(at(whole) << 16 | at(whole + 1) << 8, 3);
  return out;
}

result<std::string> from_base64(std::string_view text) {
  const error bad{errc::invalid_request, "not base64"};
  if (text.size() % 4 != 0)
    return bad;
  const auto padding = text.ends_with("==") ? 2u : text.ends_with('=') ? 1u : 0u;
  std::string out(text.size() / 4 * 3, '\0');
  auto* to = out.data();
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const auto value = [&](std::size_t k) -> int {
      const bool padded = i + 4 == text.size() && k >= 4 - padding;
      return padded ? 0 : base64_values[static_cast<unsigned char>(text[i + k])];
    };
    const std::array<int, 4> v{value(0), value(1), value(2), value(3)};
    if ((v[0] | v[1] | v[2] | v[3]) < 0)
      return bad;
    const auto n = static_cast<unsigned>(v[0] << 18 | v[1] << 12 | v[2] << 6 | v[3]);
    *to++ = static_cast<char>(n >> 16);
    *to++ = static_cast<char>(n >> 8 & 0xff);
    *to++ = static_cast<char>(n & 0xff);
  }
  // What the padding cuts off must be nothing.
  for (auto cut = padding; cut > 0; --cut) {
    if (out.back() != '\0')
      return bad;
    out.pop_back();
  }
  return out;
}

bool is_utf8(std::string_view bytes) noexcept {
  return well_formed_utf8(bytes);
}

} // namespace holt
