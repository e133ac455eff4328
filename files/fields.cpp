// SPDX-License-Identifier: Apache-2.0
#include "files/fields.hpp"

#include <cmath>

namespace holt::files {

namespace {

constexpr unsigned settable_mode = 01777;

std::string named(const char* field, std::string_view what) {
  return std::string{field} + " must be " + std::string{what};
}

} // namespace

void field_reader::refuse(errc code, std::string detail) {
  if (!wrong_)
    wrong_ = error{code, std::move(detail)};
}

const nlohmann::json* field_reader::find(const char* field) {
  if (wrong_)
    return nullptr;
  auto i = body_.find(field);
  return i == body_.end() || i->is_null() ? nullptr : &*i;
}

const nlohmann::json& field_reader::raw(const char* field) const {
  static const nlohmann::json none;
  auto i = body_.find(field);
  return i == body_.end() ? none : *i;
}

std::optional<std::string> field_reader::optional_text(const char* field) {
  const auto* got = find(field);
  if (got == nullptr)
    return std::nullopt;
  if (!got->is_string()) {
    refuse(errc::unprocessable, named(field, "a string"));
    return std::nullopt;
  }
  return got->get<std::string>();
}

std::string field_reader::text(const char* field) {
  auto got = optional_text(field);
  if (!got)
    refuse(errc::unprocessable, std::string{field} + " is missing");
  return got.value_or("");
}

bool field_reader::flag(const char* field, bool fallback) {
  const auto* got = find(field);
  if (got == nullptr)
    return fallback;
  if (!got->is_boolean()) {
    refuse(errc::unprocessable, named(field, "true or false"));
    return fallback;
  }
  return got->get<bool>();
}

std::optional<std::uint64_t> field_reader::number(const char* field, std::uint64_t low,
                                                  std::uint64_t high) {
  const auto* got = find(field);
  if (got == nullptr)
    return std::nullopt;
  auto range
    = named(field, "a whole number from ") + std::to_string(low) + " to " + std::to_string(high);
  if (!got->is_number()) {
    refuse(errc::unprocessable, range);
    return std::nullopt;
  }
  std::optional<std::uint64_t> value;
  if (got->is_number_unsigned()) {
    value = got->get<std::uint64_t>();
  } else if (got->is_number_float()) {
    auto real = got->get<double>(); // some languages know no other numbers
    if (real >= 0 && real < 9e15 && std::floor(real) == real)
      value = static_cast<std::uint64_t>(real);
  } else if (got->get<std::int64_t>() >= 0) {
    value = static_cast<std::uint64_t>(got->get<std::int64_t>());
  }
  if (!value || *value < low || *value > high) {
    refuse(errc::invalid_request, range);
    return std::nullopt;
  }
  return value;
}

std::optional<unsigned> field_reader::mode(const char* field) {
  const auto* got = find(field);
  if (got == nullptr)
    return std::nullopt;
  if (!got->is_string()) {
    auto value = number(field, 0, settable_mode);
    return value ? std::optional<unsigned>{static_cast<unsigned>(*value)} : std::nullopt;
  }
  const auto& text = got->get_ref<const std::string&>();
  unsigned value = 0;
  bool good = !text.empty() && text.size() <= 5;
  for (char c : text) {
    good = good && c >= '0' && c <= '7';
    value = value * 8 + static_cast<unsigned>(c - '0');
  }
  if (!good || value > settable_mode) {
    refuse(errc::invalid_request, named(field, "octal permission bits, as \"0644\""));
    return std::nullopt;
  }
  return value;
}

std::vector<std::string> field_reader::texts(const char* field, std::vector<std::string> fallback) {
  const auto* got = find(field);
  if (got == nullptr)
    return fallback;
  std::vector<std::string> out;
  bool good = got->is_array();
  if (good)
    for (const auto& one : *got) {
      good = good && one.is_string() && !one.get_ref<const std::string&>().empty();
      if (good)
        out.push_back(one.get<std::string>());
    }
  if (!good)
    refuse(errc::unprocessable, named(field, "an array of strings"));
  return out;
}

std::string field_reader::bytes(const char* field, const char* encoding) {
  auto text_in = text(field);
  auto how = optional_text(encoding);
  if (!how || *how == "utf8" || *how == "utf-8")
    return text_in;
  if (*how != "base64") {
    refuse(errc::invalid_request, named(encoding, "utf8 or base64"));
    return {};
  }
  auto out = from_base64(text_in);
  if (!out) {
    refuse(errc::invalid_request, std::string{field} + " is not base64");
    return {};
  }
  return std::move(*out);
}

result<jailed_path> read_path(field_reader& from, const path_jail& jail, const char* field,
                              std::string_view fallback) {
  const auto encoding = std::string{field} + "_encoding";
  const auto& there = from.raw(field);
  std::string path;
  if (there.is_null() && !fallback.empty() && !from.wrong())
    path = fallback;
  else
    path = from.bytes(field, encoding.c_str());
  if (from.wrong())
    return from.why();
  return jail.locate(path);
}

} // namespace holt::files
