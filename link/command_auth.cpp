// SPDX-License-Identifier: Apache-2.0
#include "link/command_auth.hpp"

#include "transport/digest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace holt::link {

namespace {

void append_string(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\b': out += "\\b"; break;
    case '\t': out += "\\t"; break;
    case '\n': out += "\\n"; break;
    case '\f': out += "\\f"; break;
    case '\r': out += "\\r"; break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        out += "\\u00" + to_hex({&c, 1});
      } else {
        out += c;
      }
    }
  }
  out += '"';
}

/// ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3 asks for.
void append_number(double value, std::string& out) {
  if (value == 0 || !std::isfinite(value)) {
    out += '0'; // also -0; what is not finite does not come out of JSON text
    return;
  }
  if (value < 0) {
    out += '-';
    value = -value;
  }
  // The shortest digits that read back as the same number: d.ddde±xx.
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                     .ptr;
  const std::string_view text{buffer.data(), static_cast<std::size_t>(end - buffer.data())};
  const auto e = text.find('e');
  std::string digits{text.substr(0, 1)};
  if (e > 2)
    digits += text.substr(2, e - 2);
  int exponent = 0;
  const auto* from = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(from, text.data() + text.size(), exponent);
  const auto count = static_cast<int>(digits.size());
  const int point = exponent + 1; // digits before the decimal point
  const auto at = static_cast<std::size_t>(point > 0 ? point : 0);
  if (count <= point && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out.append(digits, 0, at).append(1, '.').append(digits, at);
  } else if (-6 < point && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else {
    out += digits[0];
    if (count > 1)
      out.append(1, '.').append(digits, 1);
    out += 'e';
    out += exponent < 0 ? '-' : '+';
    out += std::to_string(std::abs(exponent));
  }
}

/// Order of UTF-16 code units, found in UTF-8: it differs from the bytes' order only where one has
/// a surrogate pair (first byte F0 to F4) and the other U+E000 to U+FFFF (first byte EE or EF).
bool before_in_utf16(std::string_view a, std::string_view b) {
  const auto [i, k] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (i == a.end() || k == b.end())
    return i == a.end() && k != b.end();
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
    return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
  };
  return rank(*i) < rank(*k);
}

void append(const nlohmann::json& value, std::string& out) {
  using type = nlohmann::json::value_t;
  switch (value.type()) {
  case type::object: {
    std::vector<const nlohmann::json::object_t::value_type*> members;
    for (const auto& member : value.get_ref<const nlohmann::json::object_t&>())
      members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return before_in_utf16(a->first, b->first); });
    char separator = '{';
    for (const auto* member : members) {
      out += separator;
      append_string(member->first, out);
      out += ':';
      append(member->second, out);
      separator = ',';
    }
    out += members.empty() ? "{}" : "}";
    return;
  }
  case type::array: {
    char separator = '[';
    for (const auto& item : value) {
      out += separator;
      append(item, out);
      separator = ',';
    }
    out += value.empty() ? "[]" : "]";
    return;
  }
  case type::string: append_string(value.get_ref<const std::string&>(), out); return;
  case type::boolean: out += value.get<bool>() ? "true" : "false"; return;
  case type::number_integer:
  case type::number_unsigned:
  case type::number_float: append_number(value.get<double>(), out); return;
  case type::null:
  case type::binary:
  case type::discarded: out += "null"; return;
  }
}

error refused(std::string why) {
  return {errc::token_invalid, "auth: " + std::move(why)};
}

} // namespace

std::string canonical_json(const nlohmann::json& value) {
  std::string out;
  append(value, out);
  return out;
}

std::string command_mac(std::string_view secret, const nlohmann::json& command) {
  auto bare = command;
  if (bare.is_object())
    if (auto auth = bare.find("auth"); auth != bare.end() && auth->is_object())
      auth->erase("mac");
  return to_hex(hmac(mac_kind::sha256, secret, canonical_json(bare)));
}

command_auth::command_auth(auth_options how) : how_(std::move(how)) {}

result<signature> command_auth::check(const nlohmann::json& command, std::int64_t now_ms) {
  if (!required())
    return signature::not_required;
  const auto auth = command.is_object() ? command.find("auth") : command.end();
  if (!command.is_object() || auth == command.end())
    return refused("missing; this session takes signed commands only");
  if (!auth->is_object())
    return refused("must be {kid, ts, mac}");
  const auto kid = auth->find("kid");
  const auto ts = auth->find("ts");
  const auto mac = auth->find("mac");
  if (kid == auth->end() || !kid->is_string())
    return refused("kid must be a string");
  if (ts == auth->end() || !ts->is_number_integer())
    return refused("ts must be an integer, milliseconds since 1970");
  if (mac == auth->end() || !mac->is_string())
    return refused("mac must be a string");
  const auto key = how_.keys.find(kid->get_ref<const std::string&>());
  if (key == how_.keys.end())
    return refused("unknown kid");
  const auto& given = mac->get_ref<const std::string&>();
  if (!equal_secrets(given, command_mac(key->second, command)))
    return refused("wrong mac");
  // As a double: ts may be any integer.
  const auto off = ts->get<double>() - static_cast<double>(now_ms);
  if (std::abs(off) > static_cast<double>(how_.window_ms))
    return refused("ts is " + std::to_string(static_cast<std::int64_t>(std::abs(off) / 1000))
                   + " s " + (off < 0 ? "old" : "ahead") + "; check the clock, sign anew");
  while (!by_time_.empty() && by_time_.begin()->first < now_ms - how_.window_ms) {
    seen_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
  std::pair<std::string, std::string> known{key->first, given};
  if (seen_.count(known) != 0)
    return signature::seen;
  if (seen_.size() >= how_.memory)
    return error{errc::busy, "auth: too many signed commands in a short time"};
  by_time_.emplace(ts->get<std::int64_t>(), known);
  seen_.insert(std::move(known));
  return signature::fresh;
}

} // namespace holt::link
