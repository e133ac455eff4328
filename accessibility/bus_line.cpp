// SPDX-License-Identifier: Apache-2.0
#include "accessibility/bus_line.hpp"

#include "accessibility/words.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstring>

namespace holt::accessibility {

namespace {

constexpr const char* late_text = "the program does not answer";
constexpr std::size_t error_text_limit = 1'000; ///< bytes

error error_of(const sd_bus_error& why) {
  const std::string name = why.name != nullptr ? why.name : "";
  const auto text = shortened(why.message != nullptr ? why.message : name, error_text_limit);
  auto is = [&name](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&name](const char* word) {
      return name == std::string{"org.freedesktop.DBus.Error."} + word;
    });
  };
  if (is({"ServiceUnknown", "NameHasNoOwner", "UnknownObject"}))
    return {errc::not_found, text};
  if (is({"UnknownMethod", "UnknownInterface", "UnknownProperty", "NotSupported"}))
    return {errc::unsupported, text};
  if (is({"Timeout", "TimedOut"}))
    return {errc::timeout, late_text};
  if (is({"NoReply", "Disconnected"}))
    return {errc::interrupted, "the program ended"};
  return {errc::io, text};
}

int on_reply(sd_bus_message* m, void* data, sd_bus_error*) {
  auto* self = static_cast<pending*>(data);
  self->owner->waiting.erase(self);
  auto then = std::move(self->then);
  sd_bus_slot_unref(self->slot);
  delete self;
  const auto* why = sd_bus_message_get_error(m);
  // When the connection ends, sd-bus answers all that waits before it says so.
  if (why != nullptr && sd_bus_is_open(sd_bus_message_get_bus(m)) <= 0)
    then(error{errc::busy, ended_text});
  else if (why != nullptr)
    then(error_of(*why));
  else
    then(m);
  return 1;
}

} // namespace

void line::close() {
  for (auto* one : waiting) {
    sd_bus_slot_unref(one->slot);
    delete one;
  }
  waiting.clear();
  if (connection != nullptr)
    sd_bus_close_unref(connection);
  connection = nullptr;
}

int line::open(const std::string& address) {
  close();
  int r = sd_bus_new(&connection);
  if (r >= 0)
    r = sd_bus_set_address(connection, address.c_str());
  if (r >= 0)
    r = sd_bus_set_bus_client(connection, 1);
  if (r >= 0)
    r = sd_bus_start(connection);
  if (r < 0)
    close();
  return r;
}

void line::call(const node_address& to, const char* interface, const char* member,
                milliseconds limit, const arguments& append, reply then) {
  sd_bus_message* m = nullptr;
  int r = connection == nullptr
            ? -ENOTCONN
            : sd_bus_message_new_method_call(connection, &m, to.bus.c_str(), to.path.c_str(),
                                             interface, member);
  if (r >= 0 && append)
    r = append(m);
  if (r >= 0) {
    auto* one = new pending{this, nullptr, clock::now() + limit, std::move(then)};
    // Its own clock would run out before it reads what is there; see expire().
    r = sd_bus_call_async(connection, &one->slot, m, &on_reply, one, UINT64_MAX);
    if (r >= 0)
      waiting.insert(one);
    else
      then = std::move(one->then), delete one;
  }
  sd_bus_message_unref(m);
  if (r == -ENOTCONN)
    then(error{errc::busy, ended_text});
  else if (r < 0)
    then(error{r == -EINVAL ? errc::not_found : errc::io,
               std::string{"cannot be asked: "} + std::strerror(-r)});
}

void line::expire(clock::time_point then) {
  std::vector<reply> late;
  for (auto i = waiting.begin(); i != waiting.end();) {
    auto* one = *i;
    if (one->deadline > then) {
      ++i;
      continue;
    }
    i = waiting.erase(i);
    sd_bus_slot_unref(one->slot);
    late.push_back(std::move(one->then));
    delete one;
  }
  for (auto& one : late)
    one(error{errc::timeout, late_text});
}

std::vector<reply> line::take_waiting() {
  std::vector<reply> out;
  for (auto* one : waiting) {
    sd_bus_slot_unref(one->slot);
    out.push_back(std::move(one->then));
    delete one;
  }
  waiting.clear();
  return out;
}

} // namespace holt::accessibility
