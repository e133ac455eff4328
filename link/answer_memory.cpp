// SPDX-License-Identifier: Apache-2.0
#include "link/answer_memory.hpp"

#include <utility>

namespace holt::link {

namespace {

/// Bytes: texts up to this size stay as long as their entry.
constexpr std::size_t short_text = 256;

} // namespace

std::string with_dup(std::string_view text) {
  auto end = text.find_last_of('}');
  if (end == text.npos)
    return std::string{text};
  std::string out;
  out.reserve(text.size() + 11);
  out.append(text.substr(0, end));
  // An empty object cannot be: a result has a type. But bytes from disk are bytes from disk.
  const auto before = out.find_last_not_of(" \t\r\n");
  out.append(before != out.npos && out[before] == '{' ? "\"dup\":true" : ",\"dup\":true");
  out.append(text.substr(end));
  return out;
}

shared_text dup_of(std::string_view text) {
  return std::make_shared<const std::string>(with_dup(text));
}

void answer_memory::remember(answered what) {
  forget(what.key);
  what.order = ++last_order_;
  bytes_ += what.text ? what.text->size() : 0;
  by_order_.emplace(what.order, what.key);
  auto key = what.key;
  by_key_.emplace(std::move(key), std::move(what));
  trim();
}

void answer_memory::forget(const journal_key& key) {
  if (auto old = by_key_.find(key); old != by_key_.end())
    drop(old);
}

answered* answer_memory::find(const journal_key& key) {
  auto i = by_key_.find(key);
  return i == by_key_.end() ? nullptr : &i->second;
}

const answered* answer_memory::find(const journal_key& key) const {
  auto i = by_key_.find(key);
  return i == by_key_.end() ? nullptr : &i->second;
}

void answer_memory::in_order(const std::function<bool(answered&)>& visit) {
  for (const auto& [order, key] : by_order_)
    if (!visit(by_key_.at(key)))
      return;
}

void answer_memory::sent(answered& which, wall_ms now) {
  which.sent_at = now;
  unsent_ -= which.unsent ? 1 : 0;
  which.unsent = false;
}

void answer_memory::not_sent(answered& which, wall_ms now) {
  which.sent_at = now;
  unsent_ += which.unsent ? 0 : 1;
  which.unsent = true;
}

void answer_memory::release(answered& which) {
  bytes_ -= which.text ? which.text->size() : 0;
  which.text.reset();
  sent(which, which.sent_at);
  which.released = true;
}

void answer_memory::drop(entry which) {
  bytes_ -= which->second.text ? which->second.text->size() : 0;
  unsent_ -= which->second.unsent ? 1 : 0;
  by_order_.erase(which->second.order);
  by_key_.erase(which);
}

void answer_memory::trim() {
  while (by_key_.size() > max_entries_)
    drop(by_key_.find(by_order_.begin()->second));
  // Texts go first; that the id is taken is remembered for longer. The journal has the rest, except
  // refusals, which are short.
  for (auto i = by_order_.upper_bound(trimmed_to_); bytes_ > max_bytes_ && i != by_order_.end();
       ++i) {
    trimmed_to_ = i->first;
    auto& a = by_key_.at(i->second);
    if (!a.text || a.text->size() <= short_text)
      continue;
    bytes_ -= a.text->size();
    unsent_ -= a.unsent ? 1 : 0;
    a.unsent = false;
    a.text.reset();
  }
}

} // namespace holt::link
