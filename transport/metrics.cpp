// SPDX-License-Identifier: Apache-2.0
#include "transport/metrics.hpp"

#include <array>
#include <cstdio>

namespace holt {

namespace {

std::string escaped(const std::string& value) {
  std::string out;
  for (char ch : value) {
    if (ch == '\\' || ch == '"')
      out += '\\';
    if (ch == '\n')
      out += "\\n";
    else
      out += ch;
  }
  return out;
}

std::string number(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.15g", value);
  return text.data();
}

} // namespace

void metrics::add(std::string_view type, std::string_view name, std::string_view help, double value,
                  const labels& with) {
  std::string full{name};
  if (last_ != full) {
    text_ += "# HELP " + full + " " + std::string{help} + "\n# TYPE " + full + " "
             + std::string{type} + "\n";
    last_ = full;
  }
  text_ += full;
  for (std::size_t i = 0; i < with.size(); ++i)
    text_
      += (i == 0 ? "{" : ",") + std::string{with[i].first} + "=\"" + escaped(with[i].second) + "\"";
  if (!with.empty())
    text_ += "}";
  text_ += " " + number(value) + "\n";
}

void metrics::counter(std::string_view name, std::string_view help, double value,
                      const labels& with) {
  add("counter", name, help, value, with);
}

void metrics::gauge(std::string_view name, std::string_view help, double value,
                    const labels& with) {
  add("gauge", name, help, value, with);
}

} // namespace holt
