// SPDX-License-Identifier: Apache-2.0

// What the journal is asked for.

#include "link/journal_sqlite.hpp"

#include <algorithm>

namespace holt::link {

using sqlite::running;
using sqlite::statement;

namespace {

journal_row row_of(const statement& s) {
  journal_row out;
  out.key = {s.text(0), s.text(1), s.text(2)};
  out.fingerprint = s.text(3);
  out.command = s.text(4);
  out.plan = s.text(5);
  out.done = !s.is_null(6);
  out.rseq = static_cast<std::uint64_t>(s.number(6));
  out.result = s.text(7);
  out.received_at = s.number(8);
  out.done_at = s.number(9);
  out.released = s.number(10) != 0;
  return out;
}

} // namespace

result<std::optional<journal_row>> sqlite_journal::find(const journal_key& key,
                                                        bool with_released) {
  running s{find_};
  s->bind(key.session).bind(key.src).bind(key.id).bind(with_released ? 1 : 0);
  auto row = s->step();
  if (!row)
    return failed(row.error());
  std::optional<journal_row> out;
  if (*row)
    out = row_of(*s.operator->());
  return {boost::system::in_place_value, std::move(out)};
}

result<std::vector<journal_row>> sqlite_journal::rows(statement& s, std::size_t limit) {
  std::vector<journal_row> out;
  while (out.size() < limit) {
    auto row = s.step();
    if (!row)
      return failed(row.error());
    if (!*row)
      break;
    out.push_back(row_of(s));
  }
  return {boost::system::in_place_value, std::move(out)};
}

result<std::vector<journal_row>> sqlite_journal::unfinished() {
  running s{unfinished_};
  return rows(*s.operator->(), SIZE_MAX);
}

result<std::vector<journal_row>> sqlite_journal::unreleased(const std::string& session,
                                                            const std::string& src,
                                                            std::uint64_t after,
                                                            std::size_t limit) {
  running s{src.empty() ? unreleased_ : unreleased_of_};
  // A position from outside may be any number; ours stay far below.
  s->bind(static_cast<std::int64_t>(std::min<std::uint64_t>(after, INT64_MAX))).bind(session);
  if (!src.empty())
    s->bind(src);
  s->bind(size_of(std::min<std::size_t>(limit, INT64_MAX)));
  return rows(*s.operator->(), limit);
}

result<std::vector<journal_row>> sqlite_journal::finished_since(const std::string& session,
                                                                wall_ms since, std::size_t limit) {
  std::vector<journal_row> out;
  running s{latest_};
  while (out.size() < limit) {
    auto row = s->step();
    if (!row)
      return failed(row.error());
    if (!*row || s->number(9) < since)
      break;
    if (s->text(0) == session)
      out.push_back(row_of(*s.operator->()));
  }
  std::reverse(out.begin(), out.end());
  return {boost::system::in_place_value, std::move(out)};
}

result<std::optional<std::string>> sqlite_journal::value(std::string_view name) {
  running s{value_};
  s->bind(name);
  auto row = s->step();
  if (!row)
    return failed(row.error());
  std::optional<std::string> out;
  if (*row)
    out = s->text(0);
  return {boost::system::in_place_value, std::move(out)};
}

} // namespace holt::link
