// SPDX-License-Identifier: Apache-2.0

// What programs answer, read out of messages: a program may send anything, so that each reader
// checks the types and gives nothing where they differ.

#include "accessibility/bus.hpp"

#include <systemd/sd-bus.h>

namespace holt::accessibility {

namespace {

/// Enters a container; leaving is not needed: each reader reads its message once.
bool enter(sd_bus_message* from, char kind, const char* content) {
  return sd_bus_message_enter_container(from, kind, content) > 0;
}

template <class T>
std::optional<T> basic(sd_bus_message* from, char kind) {
  T value{};
  if (sd_bus_message_read_basic(from, kind, &value) <= 0)
    return {};
  return value;
}

} // namespace

std::optional<std::string> read_text(sd_bus_message* from) {
  const auto got = basic<const char*>(from, 's');
  return got ? std::optional<std::string>{*got} : std::nullopt;
}

std::optional<std::uint32_t> read_number(sd_bus_message* from) {
  return basic<std::uint32_t>(from, 'u');
}

std::optional<bool> read_flag(sd_bus_message* from) {
  const auto got = basic<int>(from, 'b');
  return got ? std::optional{*got != 0} : std::nullopt;
}

std::optional<std::vector<std::string>> read_texts(sd_bus_message* from, std::size_t limit) {
  if (!enter(from, 'a', "s"))
    return {};
  std::vector<std::string> out;
  while (out.size() < limit) {
    auto one = read_text(from);
    if (!one)
      break;
    out.push_back(std::move(*one));
  }
  return out;
}

std::optional<std::vector<std::uint32_t>> read_numbers(sd_bus_message* from, std::size_t limit) {
  if (!enter(from, 'a', "u"))
    return {};
  std::vector<std::uint32_t> out;
  while (out.size() < limit) {
    const auto one = read_number(from);
    if (!one)
      break;
    out.push_back(*one);
  }
  return out;
}

std::optional<std::vector<node_address>> read_addresses(sd_bus_message* from, std::size_t limit) {
  if (!enter(from, 'a', "(so)"))
    return {};
  std::vector<node_address> out;
  const char* name = nullptr;
  const char* path = nullptr;
  while (out.size() < limit && sd_bus_message_read(from, "(so)", &name, &path) > 0)
    out.push_back({name, path});
  return out;
}

std::optional<std::vector<std::string>> read_actions(sd_bus_message* from, std::size_t limit) {
  if (!enter(from, 'a', "(sss)"))
    return {};
  std::vector<std::string> out;
  const char* name = nullptr;
  const char* about = nullptr;
  const char* keys = nullptr;
  while (out.size() < limit && sd_bus_message_read(from, "(sss)", &name, &about, &keys) > 0)
    out.emplace_back(name);
  return out;
}

std::optional<std::array<int, 4>> read_rectangle(sd_bus_message* from) {
  std::array<int, 4> out{};
  if (sd_bus_message_read(from, "(iiii)", &out[0], &out[1], &out[2], &out[3]) <= 0)
    return {};
  return out;
}

std::optional<std::string> read_text_property(sd_bus_message* from) {
  return enter(from, 'v', "s") ? read_text(from) : std::nullopt;
}

std::optional<double> read_double_property(sd_bus_message* from) {
  return enter(from, 'v', "d") ? basic<double>(from, 'd') : std::nullopt;
}

std::optional<int> read_number_property(sd_bus_message* from) {
  return enter(from, 'v', "i") ? basic<int>(from, 'i') : std::nullopt;
}

} // namespace holt::accessibility
