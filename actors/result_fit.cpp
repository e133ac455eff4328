// SPDX-License-Identifier: Apache-2.0
#include "actors/result_fit.hpp"

#include "actors/live_output.hpp"
#include "link/realtime_machine.hpp"
#include "transport/json_guard.hpp"

#include <algorithm>
#include <array>

namespace holt {

namespace {

constexpr std::array<const char*, 2> outputs{"stdout", "stderr"};
/// Room for `rseq`, `dup` and the frame around the message.
constexpr std::size_t slack = 512;

bool message_fits(std::string_view id, const command_outcome& outcome, std::size_t most) {
  return most > slack && fits_link(http::dump_safe(result_message(id, outcome)), most - slack);
}

/// A field cannot be in JSON with fewer bytes than it has: a cheap look before the exact one.
std::size_t rough_size(const nlohmann::json& fields) {
  std::size_t out = 0;
  for (const auto& one : fields)
    out += one.is_string() ? one.get_ref<const std::string&>().size() : 0;
  return out;
}

bool simple(const nlohmann::json& fields) {
  return std::all_of(fields.begin(), fields.end(),
                     [](const auto& one) { return !one.is_structured(); });
}

std::string encoding_key(const std::string& name) {
  return name + "_encoding";
}

/// Head 3/4 and tail 1/4 of `bytes`, `most` in all, cut at characters.
std::string head_and_tail(std::string_view bytes, std::size_t most) {
  if (bytes.size() <= most)
    return std::string{bytes};
  auto head = bytes.substr(0, most * 3 / 4);
  head = head.substr(0, whole_characters(head));
  auto tail = bytes.substr(bytes.size() - most / 4);
  while (!tail.empty() && (static_cast<unsigned char>(tail.front()) & 0xc0) == 0x80
         && tail.size() + 3 > most / 4)
    tail.remove_prefix(1);
  return std::string{head} + std::string{tail};
}

} // namespace

bool fits_link(std::string_view message, std::size_t most) {
  link::link_limits limits;
  limits.max_payload = most;
  return link::realtime::fits(message, limits);
}

bool goes_as_text(std::string_view bytes) noexcept {
  std::size_t escapes = 0; // bytes that JSON adds
  for (char c : bytes) {
    if (c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f')
      escapes += 1;
    else if (static_cast<unsigned char>(c) < 0x20)
      escapes += 5;
  }
  return escapes <= bytes.size() && is_utf8(bytes);
}

std::optional<large_answer> too_large_for(std::string_view id, command_outcome& outcome,
                                          std::size_t most) {
  if (!outcome.large.empty()) {
    auto& first = outcome.large.front();
    // Too large in the eyes of whoever read it, who does not know the link.
    if (outcome.large.size() == 1 && first.name == "content"
        && first.bytes.size() + slack <= most) {
      auto whole = command_outcome{outcome.code, outcome.detail, outcome.fields, {}};
      if (whole.fields.value("encoding", std::string{}) == "base64")
        whole.fields["content"] = to_base64(first.bytes);
      else
        put_bytes(whole.fields, "content", first.bytes);
      if (message_fits(id, whole, most)) {
        outcome = std::move(whole);
        return std::nullopt;
      }
    }
    large_answer out{first.name, std::move(first.bytes), 0};
    out.size = out.bytes.size();
    outcome.large.erase(outcome.large.begin());
    return out;
  }
  auto rough = rough_size(outcome.fields);
  // JSON makes at most six bytes of one.
  if (simple(outcome.fields) && rough * 6 + slack * 2 < most)
    return std::nullopt;
  if (rough + slack <= most && message_fits(id, outcome, most))
    return std::nullopt;
  auto content = outcome.fields.find("content");
  if (content != outcome.fields.end() && content->is_string()) {
    auto bytes = content->get<std::string>();
    if (outcome.fields.value("encoding", std::string{}) == "base64") {
      if (auto raw = from_base64(bytes)) {
        bytes = std::move(*raw);
        outcome.fields.erase("encoding");
      }
    }
    large_answer out{"content", std::move(bytes), 0};
    out.size = out.bytes.size();
    return out;
  }
  large_answer out{"fields", http::dump_safe(outcome.fields), 0};
  out.size = out.bytes.size();
  return out;
}

bool is_output_of_shell(command_kind kind) noexcept {
  return kind == command_kind::shell_exec || kind == command_kind::shell_start;
}

void cut_output(std::string_view id, command_outcome& outcome, std::size_t most) {
  auto& fields = outcome.fields;
  std::array<std::string, 2> raw;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto found = fields.find(outputs[i]);
    if (found == fields.end() || !found->is_string())
      continue;
    raw[i] = found->get<std::string>();
    if (fields.contains(encoding_key(outputs[i])))
      if (auto bytes = from_base64(raw[i]))
        raw[i] = std::move(*bytes);
    auto total = std::string{outputs[i]} + "_bytes";
    if (!fields.contains(total))
      fields[total] = raw[i].size();
  }
  fields["truncated"] = true;
  outcome.large.clear();
  // Escapes make text longer than it looks: narrower until it fits. At the end nothing is left.
  for (auto room = most; room > 0; room = room * 3 / 4) {
    auto small = std::min(raw[0].size(), raw[1].size());
    auto other = room - std::min(room / 2, small);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!fields.contains(outputs[i]))
        continue;
      fields.erase(encoding_key(outputs[i]));
      auto share = raw[i].size() == small ? std::min(small, room / 2) : other;
      put_bytes(fields, outputs[i], head_and_tail(raw[i], share));
    }
    if (message_fits(id, outcome, most))
      return;
  }
}

void drop_contents(nlohmann::json& item) {
  bool any = false;
  for (auto i = item.begin(); i != item.end();) {
    bool large
      = i->is_structured() || i.key() == "content" || i.key() == "stdout" || i.key() == "stderr";
    any = any || large;
    i = large ? item.erase(i) : std::next(i);
  }
  for (const auto* name : {"encoding", "stdout_encoding", "stderr_encoding"})
    item.erase(name);
  if (any)
    item["truncated"] = true;
}

bool cut_batch(std::string_view id, command_outcome& outcome, std::size_t most) {
  auto found = outcome.fields.find("results");
  if (found == outcome.fields.end() || !found->is_array())
    return false;
  auto& items = *found;
  std::size_t cut = 0;
  for (std::size_t goal = 1; cut < items.size(); goal *= 2) {
    for (; cut < std::min(goal, items.size()); ++cut)
      drop_contents(items[items.size() - 1 - cut]);
    outcome.fields["truncated"] = true;
    if (message_fits(id, outcome, most))
      return true;
  }
  return false;
}

std::string_view next_piece(std::string_view all, std::size_t off, std::size_t most) noexcept {
  auto piece = all.substr(off, most);
  return off + piece.size() < all.size() ? piece.substr(0, whole_characters(piece)) : piece;
}

std::size_t count_pieces(std::string_view all, std::size_t most) noexcept {
  std::size_t count = 0;
  for (std::size_t off = 0; off < all.size(); ++count)
    off += next_piece(all, off, most).size();
  return count;
}

} // namespace holt
