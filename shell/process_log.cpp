// SPDX-License-Identifier: Apache-2.0

#include "shell/process_log.hpp"

#include <algorithm>

namespace holt::shell {
namespace {

constexpr std::size_t index(output_stream which) {
  return static_cast<std::size_t>(which);
}

} // namespace

std::string_view to_string(output_stream which) noexcept {
  switch (which) {
  case output_stream::out: return "stdout";
  case output_stream::err: return "stderr";
  default: return "pty";
  }
}

std::optional<output_stream> output_stream_from(std::string_view name) noexcept {
  for (auto which : {output_stream::out, output_stream::err, output_stream::terminal})
    if (to_string(which) == name)
      return which;
  return std::nullopt;
}

process_log::process_log(log_limits limits, std::string spill_dir)
  : limits_{limits}, disk_{std::move(spill_dir), limits.bytes > limits.memory ? limits.bytes : 0} {}

void process_log::append(output_stream stream, std::string_view bytes, std::int64_t timestamp_ms) {
  if (bytes.empty())
    return;
  std::lock_guard lock{mutex_};
  row next;
  next.sequence = ++sequence_;
  next.start = end_;
  next.offset = total_[index(stream)];
  next.timestamp_ms = timestamp_ms;
  next.size = static_cast<std::uint32_t>(bytes.size());
  next.stream = stream;
  next.bytes = bytes;
  rows_.push_back(std::move(next));
  end_ += bytes.size();
  total_[index(stream)] += bytes.size();
  memory_ += bytes.size();
  if (memory_ > limits_.memory && limits_.bytes > limits_.memory)
    spill_locked();
  forget_locked();
}

/// Half of the memory at once: many small entries are one write.
void process_log::spill_locked() {
  std::string batch;
  auto at = on_disk_;
  const auto from = rows_[at].start;
  for (; at + 1 < rows_.size() && memory_ > limits_.memory / 2; ++at) {
    auto& one = rows_[at];
    batch += one.bytes;
    memory_ -= one.bytes.size();
    one.bytes = {};
    one.on_disk = true;
  }
  if (batch.empty())
    return;
  on_disk_ = at;
  if (disk_.write(from, batch))
    return;
  while (on_disk_ > 0)
    forget_front_locked();
}

void process_log::forget_front_locked() {
  const auto& oldest = rows_.front();
  gone_[index(oldest.stream)] += oldest.size;
  if (oldest.on_disk)
    --on_disk_;
  else
    memory_ -= oldest.bytes.size();
  rows_.pop_front();
}

/// The newest entry stays, however large it is.
void process_log::forget_locked() {
  while (rows_.size() > 1
         && (end_ - rows_.front().start > limits_.bytes || rows_.size() > limits_.entries))
    forget_front_locked();
}

bool process_log::load_locked(const row& from, std::string& into) const {
  if (from.on_disk)
    return disk_.read(from.start, from.size, into);
  into = from.bytes;
  return true;
}

/// The first row behind `since`.
std::size_t process_log::find_locked(std::uint64_t since) const {
  if (rows_.empty() || since >= sequence_)
    return rows_.size();
  const auto first = rows_.front().sequence;
  return since < first ? 0 : static_cast<std::size_t>(since - first + 1);
}

log_page process_log::read(const log_query& what) const {
  std::lock_guard lock{mutex_};
  log_page out;
  out.next = std::min(what.since, sequence_);
  out.forgotten = gone_;
  const auto wanted = [&](const row& one) { return !what.stream || one.stream == *what.stream; };
  auto at = find_locked(what.since);
  if (what.tail) {
    auto left = *what.tail;
    auto from = rows_.size();
    while (from > at && left > 0)
      if (wanted(rows_[--from]))
        --left;
    at = from;
    if (at == rows_.size())
      out.next = sequence_; // none of what is there: what comes is new
  } else if (!rows_.empty() && what.since + 1 < rows_.front().sequence) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < gone_.size(); ++i)
      if (!what.stream || index(*what.stream) == i)
        bytes += gone_[i] - std::min(gone_[i], what.seen ? (*what.seen)[i] : 0);
    if (bytes > 0)
      out.lost = {rows_.front().sequence - 1, what.since == 0 || what.seen ? bytes : 0};
  }
  if (what.stream && what.offset) {
    while (at < rows_.size()
           && (!wanted(rows_[at]) || rows_[at].offset + rows_[at].size <= *what.offset))
      ++at;
    const auto oldest = gone_[index(*what.stream)];
    out.lost = {};
    if (*what.offset < oldest && !rows_.empty())
      out.lost = {rows_.front().sequence - 1, oldest - *what.offset};
  }
  std::size_t bytes = 0;
  for (; at < rows_.size(); ++at) {
    const auto& one = rows_[at];
    if (!wanted(one)) {
      out.next = one.sequence;
      continue;
    }
    if (!out.entries.empty() && bytes + one.size > what.max_bytes) {
      out.more = true;
      return out;
    }
    out.next = one.sequence;
    log_entry entry{one.sequence, one.stream, one.timestamp_ms, one.offset, {}};
    if (!load_locked(one, entry.bytes)) { // the disk fails: as if it were forgotten
      out.lost.bytes += one.size;
      out.lost.sequence = one.sequence;
      continue;
    }
    if (what.offset && entry.offset < *what.offset) {
      entry.bytes.erase(0, static_cast<std::size_t>(*what.offset - entry.offset));
      entry.offset = *what.offset;
    }
    bytes += entry.bytes.size();
    out.entries.push_back(std::move(entry));
  }
  return out;
}

process_log::piece process_log::read_bytes(output_stream stream, std::uint64_t offset,
                                           std::size_t max) const {
  std::lock_guard lock{mutex_};
  piece out;
  out.offset = std::max(offset, gone_[index(stream)]);
  out.lost = out.offset - offset;
  // Offsets of one stream ascend; rows of other streams carry their own.
  auto at = rows_.begin();
  if (stream == output_stream::terminal) // the only stream then
    at = std::partition_point(rows_.begin(), rows_.end(),
                              [&](const row& one) { return one.offset + one.size <= out.offset; });
  std::string bytes;
  for (; at != rows_.end() && out.bytes.size() < max; ++at) {
    if (at->stream != stream || at->offset + at->size <= out.offset)
      continue;
    if (!load_locked(*at, bytes)) {
      if (!out.bytes.empty())
        break;
      out.lost += at->offset + at->size - out.offset;
      out.offset = at->offset + at->size;
      continue;
    }
    const auto skip
      = out.bytes.empty() ? static_cast<std::size_t>(out.offset - at->offset) : std::size_t{0};
    out.bytes.append(bytes, skip, max - out.bytes.size());
  }
  return out;
}

std::uint64_t process_log::total(output_stream stream) const {
  std::lock_guard lock{mutex_};
  return total_[index(stream)];
}

std::uint64_t process_log::first(output_stream stream) const {
  std::lock_guard lock{mutex_};
  return gone_[index(stream)];
}

/// Half of what is kept: the other half is for who comes back and says how far it really was. Where
/// the disk fails, what is not read yet must fit the half of the memory that is not given up.
bool process_log::presses(std::uint64_t sequence) const {
  std::lock_guard lock{mutex_};
  const auto at = find_locked(sequence);
  if (at == rows_.size())
    return false;
  const auto kept
    = disk_.failed() ? std::min<std::uint64_t>(limits_.bytes, limits_.memory / 2) : limits_.bytes;
  const auto most = std::min(kept / 2, kept - std::min<std::uint64_t>(kept, limits_.at_once));
  return end_ - rows_[at].start > most || rows_.size() - at > limits_.entries / 2;
}

std::uint64_t process_log::last_sequence() const {
  std::lock_guard lock{mutex_};
  return sequence_;
}

} // namespace holt::shell
