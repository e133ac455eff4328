// SPDX-License-Identifier: Apache-2.0
#include "actors/act_fields.hpp"

#include "actors/act_limits.hpp"

#include <array>

namespace holt::act_fields {

namespace {

using nlohmann::json;

namespace limit = act_limits;

result<int> coordinate(const json& fields, const char* name) {
  auto value = read_number(fields, name, -limit::coordinate - 1, limit::off_screen);
  if (value && *value < 0)
    return error{errc::desktop_invalid_action, std::string{name} + " is " + std::to_string(*value)
                                                 + ": Desktop coordinates must be non-negative"};
  return value;
}

} // namespace

error missing(const std::string& name) {
  return {errc::unprocessable, name + " is missing"};
}

bool given(const json& fields, const char* name) {
  auto i = fields.find(name);
  return i != fields.end() && !i->is_null();
}

result<int> read_number(const json& fields, const char* name, int min, int max) {
  if (!given(fields, name))
    return missing(name);
  const auto& value = fields[name];
  if (!value.is_number_integer())
    return error{errc::unprocessable, std::string{name} + " must be a whole number"};
  bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > 0x7fffffffu;
  auto n = huge ? std::int64_t{0x7fffffff} : value.get<std::int64_t>();
  if (n < min || n > max)
    return error{errc::desktop_invalid_action, std::string{name} + " must be from "
                                                 + std::to_string(min) + " to "
                                                 + std::to_string(max)};
  return static_cast<int>(n);
}

result<int> number_or(const json& fields, const char* name, int otherwise, int min, int max) {
  return given(fields, name) ? read_number(fields, name, min, max) : result<int>{otherwise};
}

result<desktop::point> read_point(const json& fields, const char* x_name, const char* y_name) {
  auto x = coordinate(fields, x_name);
  if (!x)
    return x.error();
  auto y = coordinate(fields, y_name);
  if (!y)
    return y.error();
  return desktop::point{*x, *y};
}

result<unsigned> read_button(const json& fields) {
  if (!given(fields, "button"))
    return 1u;
  static constexpr std::array<std::pair<const char*, unsigned>, 5> names{
    {{"left", 1}, {"middle", 2}, {"right", 3}, {"back", 8}, {"forward", 9}}};
  const auto& value = fields["button"];
  if (value.is_string())
    for (const auto& [name, number] : names)
      if (value.get_ref<const std::string&>() == name)
        return number;
  return error{errc::unprocessable, "button must be left, middle, right, back or forward"};
}

result<std::string> read_text(const json& fields, const char* name) {
  if (!given(fields, name))
    return missing(name);
  const auto& value = fields[name];
  if (!value.is_string())
    return error{errc::unprocessable, std::string{name} + " must be a string"};
  return value.get<std::string>();
}

result<std::vector<desktop::keysym>> read_modifiers(const json& fields) {
  std::vector<desktop::keysym> out;
  if (!given(fields, "modifiers"))
    return out;
  const auto& all = fields["modifiers"];
  if (!all.is_object())
    return error{errc::unprocessable, "modifiers must be an object like {\"ctrl\": true}"};
  for (const auto& [name, wanted] : all.items()) {
    auto sym = desktop::modifier_of(name);
    if (!sym)
      continue; // the published client may send what we do not know
    if (!wanted.is_boolean() && !wanted.is_null())
      return error{errc::unprocessable, "modifiers." + name + " must be true or false"};
    if (wanted.is_boolean() && wanted.get<bool>())
      out.push_back(*sym);
  }
  return out;
}

result<desktop::key_chord> read_key(const json& fields, bool combined) {
  auto text = read_text(fields, "key");
  if (!text)
    return text.error();
  // A space is a key; nothing else that is blank is one.
  if (text->empty() || (*text != " " && text->find_first_not_of(" \t\r\n") == std::string::npos))
    return error{errc::desktop_invalid_action, "key must not be empty"};
  if (combined) {
    auto chord = desktop::read_chord(*text);
    if (!chord)
      return error{chord.error().code, "key: " + chord.error().detail};
    return chord;
  }
  auto sym = desktop::keysym_of(*text);
  if (!sym)
    return error{errc::desktop_invalid_action, "key: there is no key '" + *text + "'"};
  return desktop::key_chord{{}, *sym};
}

} // namespace holt::act_fields
