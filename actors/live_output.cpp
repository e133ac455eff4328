// SPDX-License-Identifier: Apache-2.0
#include "actors/live_output.hpp"

#include <algorithm>

namespace holt {

std::size_t whole_characters(std::string_view text) noexcept {
  std::size_t back = 0;
  while (back < 3 && back < text.size()) {
    auto byte = static_cast<unsigned char>(text[text.size() - 1 - back]);
    ++back;
    if (byte < 0x80)
      return text.size();
    if (byte < 0xc0)
      continue; // a following byte
    std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

live_output::live_output(bool for_agent, secret_mask_ptr mask, live_limits limits)
  : for_agent_{for_agent},
    limits_{limits},
    masks_{secret_mask::stream{mask}, secret_mask::stream{mask}} {}

void live_output::push(queue& to, std::size_t& total, live_piece what, std::size_t most) {
  if (what.bytes.empty())
    return;
  if (what.bytes.size() > most) {
    auto over = what.bytes.size() - most;
    what.bytes.erase(0, over);
    what.off += over;
  }
  total += what.bytes.size();
  to.push_back(std::move(what));
  while (total > most) {
    total -= to.front().bytes.size();
    to.pop_front();
  }
}

bool live_output::add(shell::shell_stream stream, std::uint64_t off, std::string bytes) {
  auto i = static_cast<std::size_t>(stream);
  std::lock_guard guard{mutex_};
  ends_[i] = off + bytes.size();
  auto from = off - std::min<std::uint64_t>(off, masks_[i].held());
  push(feed_, feed_bytes_, {stream, from, masks_[i].add(bytes)}, limits_.feed_piece);
  if (for_agent_)
    push(chunks_, chunk_bytes_, {stream, off, std::move(bytes)}, limits_.waiting);
  return !std::exchange(told_, true);
}

void live_output::finish() {
  std::lock_guard guard{mutex_};
  finished_ = true;
  for (std::size_t i = 0; i < masks_.size(); ++i) {
    auto stream = i == 0 ? shell::shell_stream::out : shell::shell_stream::err;
    auto from = ends_[i] - std::min<std::uint64_t>(ends_[i], masks_[i].held());
    push(feed_, feed_bytes_, {stream, from, masks_[i].finish()}, limits_.feed_piece);
  }
}

void live_output::hear() {
  std::lock_guard guard{mutex_};
  told_ = false;
}

/// Joins what belongs together, up to `most` bytes.
std::optional<live_piece> live_output::take(queue& from, std::size_t most) const {
  if (from.empty())
    return std::nullopt;
  live_piece out{from.front().stream, from.front().off, {}};
  auto belongs = [&](const live_piece& one) {
    return one.stream == out.stream && one.off == out.off + out.bytes.size();
  };
  // Pieces of the other stream in between stay where they are: each stream keeps its own order.
  for (auto i = from.begin(); i != from.end() && out.bytes.size() < most;) {
    if (i->stream != out.stream) {
      ++i;
      continue;
    }
    if (!belongs(*i))
      break;
    auto room = most - out.bytes.size();
    if (i->bytes.size() > room) {
      out.bytes.append(i->bytes, 0, room);
      i->bytes.erase(0, room);
      i->off += room;
      break;
    }
    out.bytes += i->bytes;
    i = from.erase(i);
  }
  auto whole = whole_characters(out.bytes);
  auto rest = out.bytes.size() - whole;
  bool more = std::any_of(from.begin(), from.end(), [&](const auto& one) { return belongs(one); });
  if (rest > 0 && (more || !finished_)) {
    from.push_front({out.stream, out.off + whole, out.bytes.substr(whole)});
    out.bytes.resize(whole);
  }
  return out;
}

std::optional<live_piece> live_output::next_chunk() {
  std::lock_guard guard{mutex_};
  auto out = take(chunks_, limits_.piece);
  if (out)
    chunk_bytes_ -= out->bytes.size();
  if (out && out->bytes.empty())
    return std::nullopt; // half a character: the other half is still to come
  return out;
}

std::optional<live_piece> live_output::next_feed() {
  std::lock_guard guard{mutex_};
  auto out = take(feed_, limits_.feed_piece);
  if (out)
    feed_bytes_ -= out->bytes.size();
  if (out && out->bytes.empty())
    return std::nullopt;
  return out;
}

} // namespace holt
