// SPDX-License-Identifier: Apache-2.0

// How rows leave the journal: released by whoever asked, or too old or too many.

#include "link/journal_sqlite.hpp"

#include <sqlite3.h>

namespace holt::link {

using sqlite::running;

namespace {

/// Rows that leave in one transaction.
constexpr std::size_t sweep_rows = 500;
/// ms since its answer that a released command is known.
constexpr wall_ms known_after_release = 600'000;
/// Pages: below, free ones stay in the file for the next rows.
constexpr std::int64_t free_pages = 2'048;

} // namespace

result<std::size_t> sqlite_journal::release(const std::string& session, const std::string& src,
                                            const std::vector<std::string>& ids) {
  step("release_begun");
  std::size_t gone = 0;
  std::int64_t bytes = 0;
  auto did = write([&] {
    gone = 0;
    bytes = 0;
    return in_transaction([&]() -> result<void> {
      for (const auto& id : ids) {
        auto known = locate({session, src, id});
        if (!known)
          return known.error();
        if (!*known || !(*known)->done || (*known)->released)
          continue;
        if (auto wrote = release_.begin().bind((*known)->n).run(); !wrote)
          return wrote;
        ++gone;
        bytes += (*known)->bytes;
      }
      return {};
    });
  });
  if (!did)
    return did.error();
  bytes_ -= bytes;
  step("release_written");
  return gone;
}

/// The oldest answers, as long as they are too old or too many, at most so many.
result<std::size_t> sqlite_journal::forget_oldest(wall_ms now, std::size_t most, bool by_age) {
  const auto age
    = std::chrono::duration_cast<std::chrono::milliseconds>(how_.limits.max_age).count();
  std::int64_t upto = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  {
    running s{oldest_};
    while (rows < size_of(most)) {
      auto row = s->step();
      if (!row)
        return failed(row.error());
      if (!*row)
        break;
      const auto at = s->number(2);
      // A time far ahead comes from a clock that was wrong.
      const bool old = by_age && (at < now - age || at > now + age);
      const bool many = rows_ - rows > static_cast<std::int64_t>(how_.limits.max_rows)
                        || bytes_ - bytes > static_cast<std::int64_t>(how_.limits.max_bytes);
      if (!old && !many)
        break;
      upto = s->number(0);
      bytes += s->number(1);
      ++rows;
    }
  }
  if (rows == 0)
    return std::size_t{0};
  auto did = write([&] { return forget_.begin().bind(upto).run(); });
  if (!did)
    return did.error();
  rows_ -= rows;
  bytes_ -= bytes;
  return static_cast<std::size_t>(rows);
}

result<std::size_t> sqlite_journal::sweep(wall_ms now) {
  step("sweep_begun");
  std::size_t gone = 0;
  for (;;) {
    auto some = forget_oldest(now, sweep_rows, true);
    if (!some)
      return some.error();
    gone += *some;
    if (*some < sweep_rows)
      break;
  }
  auto forgotten
    = write([&] { return forget_released_.begin().bind(now - known_after_release).run(); });
  if (!forgotten)
    return forgotten.error();
  rows_ -= sqlite3_changes(db_.get());
  const auto unused = sqlite::number(db_.get(), "PRAGMA freelist_count");
  const auto all = sqlite::number(db_.get(), "PRAGMA page_count");
  if (unused && all && *unused > free_pages && *unused > *all / 4)
    (void)sqlite::execute(db_.get(), "PRAGMA incremental_vacuum(2000)");
  step("sweep_written");
  checkpoint_if_due();
  return gone;
}

} // namespace holt::link
