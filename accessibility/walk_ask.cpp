// SPDX-License-Identifier: Apache-2.0

// What a reading asks further of a node that is part of the answer: its place, what it offers, its
// text and its value.

#include "accessibility/walk.hpp"
#include "accessibility/words.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>

namespace holt::accessibility {

namespace {

constexpr std::size_t actions_limit = 32;
constexpr std::size_t texts_limit = 16u << 20; ///< bytes of a reading

/// U+FFFC stands in a text where another object is embedded.
bool only_placeholders(std::string_view text) {
  constexpr std::string_view placeholder = "\xef\xbf\xbc";
  while (!text.empty())
    if (text.starts_with(placeholder))
      text.remove_prefix(placeholder.size());
    else if (text.front() == ' ' || text.front() == '\n')
      text.remove_prefix(1);
    else
      return false;
  return true;
}

bool has(const std::vector<std::string>& interfaces, const char* name) {
  return std::find(interfaces.begin(), interfaces.end(), name) != interfaces.end();
}

} // namespace

void walk::ask_more(const look_ptr& of) {
  const auto where = out_.nodes[of->at].where;
  ++of->open;
  auto next = [self = shared_from_this(), of](reply got) {
    return then_step(std::move(got), self, self->done_, of->open, [self, of] { self->landed(of); });
  };
  if (has(of->interfaces, component_interface))
    bus_.call(
      where, component_interface, "GetExtents", what_.call_limit,
      [](sd_bus_message* m) { return sd_bus_message_append(m, "u", 0u); },
      next(part(of, [](node& one, sd_bus_message* m) {
        if (auto r = read_rectangle(m); r && (*r)[2] > 0 && (*r)[3] > 0)
          one.bounds = rectangle{(*r)[0], (*r)[1], (*r)[2], (*r)[3]};
      })));
  if (has(of->interfaces, action_interface))
    ask_actions(of);
  if (has(of->interfaces, text_interface) && out_.nodes[of->at].role != password_role)
    ask_text(of);
  if (has(of->interfaces, value_interface))
    ask_value(of);
  if (--of->open == 0)
    landed(of);
}

void walk::ask_actions(const look_ptr& of) {
  const auto where = out_.nodes[of->at].where;
  auto step = [self = shared_from_this(), of] { self->landed(of); };
  auto listed = [self = shared_from_this(), of, where, step](node& one, sd_bus_message* m) {
    one.actions = read_actions(m, actions_limit).value_or(std::vector<std::string>{});
    for (auto& name : one.actions)
      name = shortened(std::move(name), name_limit);
    // Chromium lists them without names, and tells each when asked.
    for (std::size_t i = 0; i < one.actions.size(); ++i)
      if (one.actions[i].empty()) {
        auto named = [i](node& its, sd_bus_message* name) {
          its.actions[i] = shortened(read_text(name).value_or(""), name_limit);
        };
        self->bus_.call(
          where, action_interface, "GetName", self->what_.call_limit,
          [i](sd_bus_message* to) { return sd_bus_message_append(to, "i", static_cast<int>(i)); },
          then_step(self->part(of, named), self, self->done_, of->open, step));
      }
  };
  bus_.call(where, action_interface, "GetActions", what_.call_limit, nullptr,
            then_step(part(of, listed), shared_from_this(), done_, of->open, step));
}

void walk::ask_text(const look_ptr& of) {
  // How long it is comes first: some toolkits do not bear an end that is beyond it.
  const auto where = out_.nodes[of->at].where;
  auto counted = [self = shared_from_this(), of, where](node&, sd_bus_message* m) {
    const auto count = read_number_property(m).value_or(0);
    if (count <= 0)
      return;
    const auto end = static_cast<int>(
      std::min<std::size_t>(static_cast<std::size_t>(count), self->what_.text_limit));
    auto take = [self, count, end](node& one, sd_bus_message* text) {
      const auto limit = self->what_.text_limit * 4;
      auto got = read_text(text);
      if (!got || *got == one.name || only_placeholders(*got))
        return;
      one.text_cut = end < count || got->size() > limit;
      one.text = shortened(std::move(*got), limit);
      self->text_bytes_ += one.text->size();
      if (self->text_bytes_ <= texts_limit)
        return;
      self->text_bytes_ -= one.text->size();
      one.text.reset();
      one.text_cut = self->out_.truncated = true;
    };
    self->bus_.call(
      where, text_interface, "GetText", self->what_.call_limit,
      [end](sd_bus_message* to) { return sd_bus_message_append(to, "ii", 0, end); },
      then_step(self->part(of, take), self, self->done_, of->open,
                [self, of] { self->landed(of); }));
  };
  bus_.property(where, text_interface, "CharacterCount", what_.call_limit,
                then_step(part(of, counted), shared_from_this(), done_, of->open,
                          [self = shared_from_this(), of] { self->landed(of); }));
}

void walk::ask_value(const look_ptr& of) {
  const auto where = out_.nodes[of->at].where;
  auto ask = [&](const char* name, std::function<void(value_range&, double)> put) {
    auto take = [put = std::move(put)](node& one, sd_bus_message* m) {
      if (auto got = read_double_property(m)) {
        if (!one.value)
          one.value.emplace();
        put(*one.value, *got);
      }
    };
    bus_.property(where, value_interface, name, what_.call_limit,
                  then_step(part(of, take), shared_from_this(), done_, of->open,
                            [self = shared_from_this(), of] { self->landed(of); }));
  };
  ask("CurrentValue", [](value_range& to, double got) { to.current = got; });
  ask("MinimumValue", [](value_range& to, double got) { to.minimum = got; });
  ask("MaximumValue", [](value_range& to, double got) { to.maximum = got; });
  ask("MinimumIncrement", [](value_range& to, double got) { to.increment = got; });
}

} // namespace holt::accessibility
