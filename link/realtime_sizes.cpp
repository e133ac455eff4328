// SPDX-License-Identifier: Apache-2.0

// Two readers of foreign text that decide nothing: how large a payload is as an Erlang term (that
// is what Realtime measures), and when a token ends.

#include "link/realtime_stepper.hpp"
#include "transport/digest.hpp"
#include "transport/json_guard.hpp"

#include <array>
#include <cmath>

namespace holt::link::realtime {

namespace {

/// Adds up external term format: a binary 5 + n, a map 5, a list 6, a float 9, small numbers less.
struct term_size : nlohmann::json_sax<nlohmann::json> {
  std::size_t bytes = 1;

  bool null() override { return add(5); }
  bool boolean(bool value) override { return add(value ? 6 : 7); }
  bool number_integer(number_integer_t value) override {
    return add(value >= INT32_MIN && value <= INT32_MAX ? 5 : 11);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(value < 256 ? 2 : value <= INT32_MAX ? 5 : 11);
  }
  bool number_float(number_float_t, const string_t&) override { return add(9); }
  bool string(string_t& value) override { return add(5 + value.size()); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return add(5); }
  bool key(string_t& value) override { return add(5 + value.size()); }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return add(6); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }
  bool add(std::size_t more) {
    bytes += more;
    return true;
  }
};

/// Around the payload: type, event and payload with their names.
constexpr std::size_t wrapping = 128;

} // namespace

bool fits(std::string_view payload, const link_limits& limits) {
  if (payload.size() > limits.max_payload)
    return false;
  // No JSON text grows more than this as a term: `1.0,` becomes nine bytes.
  if (payload.size() * 9 / 4 + wrapping <= limits.max_payload)
    return true;
  term_size size;
  if (!nlohmann::json::sax_parse(payload, &size))
    return false;
  return size.bytes + wrapping <= limits.max_payload + 500; // the server adds 500 to its limit
}

std::optional<wall_time> token_expiry(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos)
    return {};
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos || second - first > 16'384)
    return {};
  const auto claims = from_base64url(token.substr(first + 1, second - first - 1));
  if (!claims)
    return {};
  const auto json = http::parse_json(*claims);
  if (!json || !json->is_object())
    return {};
  const auto exp = json->find("exp");
  if (exp == json->end() || !exp->is_number())
    return {};
  const auto seconds = exp->get<double>();
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 32'503'680'000.0) // the year 3000
    return {};
  return wall_time{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

} // namespace holt::link::realtime
