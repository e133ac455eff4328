// SPDX-License-Identifier: Apache-2.0
#include "broker/join_config.hpp"

#include "messages/json_text.hpp"

#include <algorithm>
#include <charconv>

namespace holt::broker {

namespace {

using json_text::member;
using json_text::walker;

bool truth(std::string_view object, std::string_view name) {
  const auto value = member(object, name);
  return value && (*value == "true" || *value == R"("true")");
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

/// `since` must be there; a limit out of bounds is brought into them.
void read_replay(std::string_view wish, join_config& out) {
  if (wish == "null")
    return;
  const auto since = member(wish, "since");
  const auto limit = member(wish, "limit");
  const auto from = since ? whole_number(*since) : std::nullopt;
  const auto most = limit && *limit != "null" ? whole_number(*limit) : std::int64_t{most_replayed};
  out.wrong_replay = !from || !most;
  if (!out.wrong_replay)
    out.replay
      = {*from,
         static_cast<std::size_t>(std::clamp(*most, std::int64_t{1}, std::int64_t{most_replayed}))};
}

void read_changes(std::string_view list, join_config& out) {
  std::string echo = "[";
  unsigned id = 0;
  for (walker each{list, walker::kind::array}; each.next();) {
    if (!json_text::is_object(each.value()))
      continue;
    if (id > 0)
      echo += ',';
    echo += R"({"id":)" + std::to_string(++id);
    for (walker field{each.value(), walker::kind::object}; field.next();) {
      if (field.key_is("id"))
        continue;
      echo += ',';
      echo += field.key();
      echo += ':';
      echo += field.value();
    }
    echo += '}';
  }
  out.postgres_changes = echo + "]";
  out.any_changes = id > 0;
}

} // namespace

std::optional<std::string> read_token(std::string_view payload, bool* given) {
  const auto value = member(payload, "access_token");
  auto text = value ? json_text::unquote(*value) : std::nullopt;
  if (given != nullptr)
    *given = text.has_value();
  if (!text || text->empty() || text->starts_with("sb_"))
    return std::nullopt;
  return text;
}

join_config read_join(std::string_view payload) {
  join_config out;
  out.token = read_token(payload);
  const auto config = member(payload, "config");
  if (!config)
    return out;
  out.is_private = truth(*config, "private");
  if (const auto broadcast = member(*config, "broadcast")) {
    out.ack = truth(*broadcast, "ack");
    out.self = truth(*broadcast, "self");
    if (const auto replay = member(*broadcast, "replay"))
      read_replay(*replay, out);
  }
  if (const auto presence = member(*config, "presence")) {
    out.presence = truth(*presence, "enabled");
    if (const auto key = member(*presence, "key"))
      out.presence_key = json_text::unquote(*key).value_or("");
  }
  if (const auto changes = member(*config, "postgres_changes"))
    read_changes(*changes, out);
  return out;
}

} // namespace holt::broker
