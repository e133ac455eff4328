// SPDX-License-Identifier: Apache-2.0

#include "shell/output_keeper.hpp"

#include <algorithm>

namespace holt::shell {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// Bytes of the character that starts with `c`; 1 for what is none.
std::size_t length_of(char c) {
  const auto lead = static_cast<unsigned char>(c);
  return lead >= 0xf8 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

/// Drops a character from the end that is not whole. Other bytes stay, UTF-8 or not.
void trim_end(std::string& text) {
  const auto most = std::min<std::size_t>(text.size(), 4);
  for (std::size_t back = 1; back <= most; ++back) {
    const auto c = text[text.size() - back];
    if (continues(c))
      continue;
    if (length_of(c) > back)
      text.erase(text.size() - back);
    return;
  }
}

/// Drops the rest of a character whose start is not there.
void trim_begin(std::string& text) {
  std::size_t n = 0;
  while (n < 3 && n < text.size() && continues(text[n]))
    ++n;
  if (n < text.size() && continues(text[n]))
    n = 0; // no text at all
  text.erase(0, n);
}

kept_text glue(std::string head, std::string tail, std::uint64_t total) {
  kept_text out;
  trim_end(head);
  trim_begin(tail);
  out.truncated = true;
  out.total = total;
  out.cut = head.size();
  out.bytes = std::move(head);
  out.bytes += tail;
  return out;
}

} // namespace

output_keeper::output_keeper(std::size_t limit, std::string spill_dir, std::uint64_t max_spill)
  : head_max_{limit - limit / 4}, tail_max_{limit / 4}, spill_{std::move(spill_dir), max_spill} {}

void output_keeper::take(std::string_view bytes) {
  total_ += bytes.size();
  const auto fits = std::min(bytes.size(), head_max_ - head_.size());
  head_.append(bytes.substr(0, fits));
  bytes.remove_prefix(fits);
  if (bytes.empty())
    return;
  if (spill_.size() == 0)
    spill_.append(head_);
  spill_.append(bytes);
  if (bytes.size() >= tail_max_) {
    ring_.assign(bytes.substr(bytes.size() - tail_max_));
    ring_at_ = 0;
    return;
  }
  const auto grows = std::min(bytes.size(), tail_max_ - ring_.size());
  ring_.append(bytes.substr(0, grows));
  bytes.remove_prefix(grows);
  while (!bytes.empty()) {
    const auto n = std::min(bytes.size(), tail_max_ - ring_at_);
    std::copy_n(bytes.data(), n, ring_.data() + ring_at_);
    ring_at_ = (ring_at_ + n) % tail_max_;
    bytes.remove_prefix(n);
  }
}

std::string output_keeper::tail() const {
  return ring_.substr(ring_at_) + ring_.substr(0, ring_at_);
}

kept_text output_keeper::text() const {
  if (total_ > head_.size() + ring_.size())
    return glue(head_, tail(), total_);
  return {head_ + tail(), false, 0, total_};
}

result<std::string> output_keeper::stored(std::uint64_t off, std::size_t len) const {
  const error gone{errc::not_found, "This part of the output is not kept."};
  if (off > total_)
    return error{errc::not_found, "The output ends before that."};
  std::string out;
  const auto behind = [&] { return off + out.size(); };
  if (off < head_.size())
    out = head_.substr(static_cast<std::size_t>(off), len);
  if (out.size() < len && behind() < spill_.size()) {
    auto more = spill_.read(behind(), len - out.size());
    if (!more && out.empty())
      return more.error();
    if (more)
      out += *more;
  }
  const auto tail_from = total_ - ring_.size();
  if (out.size() < len && behind() >= tail_from && behind() < total_)
    out += tail().substr(static_cast<std::size_t>(behind() - tail_from), len - out.size());
  if (out.empty() && len > 0 && off < total_)
    return gone;
  return out;
}

kept_text head_and_tail(std::string_view bytes, std::size_t limit) {
  if (bytes.size() <= limit)
    return {std::string{bytes}, false, 0, bytes.size()};
  const auto tail = limit / 4;
  return glue(std::string{bytes.substr(0, limit - tail)},
              std::string{bytes.substr(bytes.size() - tail)}, bytes.size());
}

} // namespace holt::shell
