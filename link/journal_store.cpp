// SPDX-License-Identifier: Apache-2.0
#include "link/journal_store.hpp"

#include "link/journal_file.hpp"
#include "link/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace holt::link {

namespace {

using sqlite::running;
using sqlite::statement;

/// Positions that are set aside on disk at once, so that none is ever given twice, whatever is
/// released in between.
constexpr std::uint64_t positions_at_once = 1'024;
constexpr int checkpoint_pages = 1'000;
/// Rows that leave in one transaction.
constexpr std::size_t sweep_rows = 500;
/// Rows that leave with one DONE while a limit is exceeded.
constexpr std::size_t trim_rows = 64;
/// ms since its answer that a released command is known.
constexpr wall_ms known_after_release = 600'000;
/// Pages: below, free ones stay in the file for the next rows.
constexpr std::int64_t free_pages = 2'048;
constexpr std::string_view reserved_positions = "rseq_reserved";

constexpr const char* columns
  = "session,src,id,fingerprint,command,plan,rseq,result,received_at,done_at,released";

std::int64_t size_of(std::size_t bytes) {
  return static_cast<std::int64_t>(bytes);
}

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

error absent(const journal_key& key) {
  return {errc::not_found, "the journal does not know " + key.src + "/" + key.id};
}

class store final : public journal_store {
public:
  store(journal_options how, opened_journal file)
    : how_(std::move(how)),
      damage_(std::move(file.damage)),
      reserve_(how_.file),
      db_(std::move(file.db)) {}

  result<void> start();

  std::string damage() const override { return damage_; }
  result<void> received(const journal_key& key, std::string_view fingerprint,
                        std::string_view command, std::string_view plan, wall_ms now) override;
  result<void> planned(const journal_key& key, std::string_view plan) override;
  result<std::uint64_t> done(const journal_key& key,
                             const std::function<std::string(std::uint64_t)>& make_text,
                             wall_ms now) override;
  result<std::optional<journal_row>> find(const journal_key& key, bool with_released) override;
  result<std::vector<journal_row>> unfinished() override;
  result<std::vector<journal_row>> unreleased(const std::string& session, const std::string& src,
                                              std::uint64_t after, std::size_t limit) override;
  result<std::vector<journal_row>> finished_since(const std::string& session, wall_ms since,
                                                  std::size_t limit) override;
  result<std::size_t> release(const std::string& session, const std::string& src,
                              const std::vector<std::string>& ids) override;
  result<std::size_t> sweep(wall_ms now) override;
  std::uint64_t last_rseq() const override { return last_rseq_; }
  wall_ms last_activity() const override { return last_activity_; }
  result<std::optional<std::string>> value(std::string_view name) override;
  result<void> set_value(std::string_view name, std::string_view text) override;

private:
  struct place {
    std::int64_t n = 0;
    std::int64_t bytes = 0;
    bool done = false;
    bool released = false;
  };

  void step(std::string_view name) const {
    if (how_.at_step)
      how_.at_step(name);
  }
  error failed(error why) const;
  result<std::optional<place>> locate(const journal_key& key);
  result<void> write(const std::function<result<void>()>& what);
  result<void> reserve_positions(std::uint64_t upto);
  result<std::size_t> forget_oldest(wall_ms now, std::size_t most, bool by_age);
  result<void> in_transaction(const std::function<result<void>()>& what);
  result<std::vector<journal_row>> rows(statement& s, std::size_t limit);
  void checkpoint_if_due();
  bool too_much() const {
    return rows_ > static_cast<std::int64_t>(how_.limits.max_rows)
           || bytes_ > static_cast<std::int64_t>(how_.limits.max_bytes);
  }

  journal_options how_;
  std::string damage_;
  journal_reserve reserve_;
  sqlite::database db_;
  statement locate_, insert_, replace_, plan_, done_, find_, unfinished_, unreleased_,
    unreleased_of_, latest_, release_, forget_released_, oldest_, forget_, value_, set_value_;
  std::int64_t rows_ = 0;
  std::int64_t bytes_ = 0; ///< of all texts
  std::uint64_t last_rseq_ = 0;
  std::uint64_t reserved_rseq_ = 0;
  wall_ms last_activity_ = 0;
  int wal_pages_ = 0;
};

result<void> store::start() {
  const auto with_columns
    = [](const char* rest) { return std::string{"SELECT "} + columns + " FROM commands " + rest; };
  const std::pair<statement*, std::string> all[] = {
    {&locate_,
     "SELECT n,bytes,rseq IS NOT NULL,released FROM commands WHERE session=? AND src=? AND id=?"},
    {&insert_, "INSERT INTO commands(session,src,id,fingerprint,command,plan,received_at,bytes)"
               " VALUES(?,?,?,?,?,?,?,?)"},
    {&replace_, "UPDATE commands SET fingerprint=?,command=?,plan=?,received_at=?,bytes=?,"
                "rseq=NULL,result=NULL,done_at=NULL,released=0 WHERE n=?"},
    {&plan_, "UPDATE commands SET plan=?,bytes=? WHERE n=?"},
    {&done_, "UPDATE commands SET result=?,rseq=?,done_at=?,bytes=?,command='',plan='' WHERE n=?"},
    {&find_, with_columns("WHERE session=? AND src=? AND id=? AND released<=?")},
    {&unfinished_, with_columns("WHERE rseq IS NULL ORDER BY received_at,n")},
    {&unreleased_, with_columns("WHERE rseq>? AND released=0 AND session=? ORDER BY rseq LIMIT ?")},
    {&unreleased_of_,
     with_columns("WHERE rseq>? AND released=0 AND session=? AND src=? ORDER BY rseq LIMIT ?")},
    {&latest_, with_columns("WHERE rseq IS NOT NULL AND released=0 ORDER BY rseq DESC")},
    {&release_, "UPDATE commands SET released=1,result='',bytes=0 WHERE n=?"},
    {&forget_released_, "DELETE FROM commands WHERE released=1 AND done_at<?"},
    {&oldest_, "SELECT rseq,bytes,done_at FROM commands WHERE rseq IS NOT NULL ORDER BY rseq"},
    {&forget_, "DELETE FROM commands WHERE rseq IS NOT NULL AND rseq<=?"},
    {&value_, "SELECT text FROM settings WHERE name=?"},
    {&set_value_, "INSERT INTO settings(name,text) VALUES(?,?)"
                  " ON CONFLICT(name) DO UPDATE SET text=excluded.text"}};
  for (const auto& [into, sql] : all) {
    auto made = statement::prepare(db_.get(), sql.c_str());
    if (!made)
      return failed(made.error());
    *into = std::move(*made);
  }
  struct wanted {
    const char* sql;
    std::int64_t value;
  };
  wanted numbers[] = {
    {"SELECT count(*) FROM commands", 0},
    {"SELECT coalesce(sum(bytes),0) FROM commands", 0},
    {"SELECT coalesce(max(rseq),0) FROM commands", 0},
    {"SELECT coalesce(max(max(received_at),coalesce(max(done_at),0)),0) FROM commands", 0},
    {"SELECT coalesce((SELECT cast(text AS INTEGER) FROM settings WHERE name='rseq_reserved'),0)",
     0}};
  for (auto& want : numbers) {
    auto got = sqlite::number(db_.get(), want.sql);
    if (!got)
      return failed(got.error());
    want.value = *got;
  }
  rows_ = numbers[0].value;
  bytes_ = numbers[1].value;
  last_rseq_ = static_cast<std::uint64_t>(std::max(numbers[2].value, numbers[4].value));
  reserved_rseq_ = last_rseq_;
  last_activity_ = numbers[3].value;
  sqlite3_wal_hook(
    db_.get(),
    [](void* self, sqlite3*, const char*, int pages) {
      static_cast<store*>(self)->wal_pages_ = pages;
      return SQLITE_OK;
    },
    this);
  (void)sqlite::execute(db_.get(), "PRAGMA journal_size_limit=8388608");
  (void)reserve_.fill(); // asked for again before each RECEIVED
  return {};
}

error store::failed(error why) const {
  if (sqlite::is_damage(sqlite3_errcode(db_.get()))) {
    suspect_journal(how_.file);
    why.detail += "; the journal is damaged, the next start sets it aside";
  }
  return why;
}

result<std::optional<store::place>> store::locate(const journal_key& key) {
  running s{locate_};
  s->bind(key.session).bind(key.src).bind(key.id);
  auto row = s->step();
  if (!row)
    return failed(row.error());
  if (!*row)
    return std::optional<place>{};
  return std::optional<place>{
    place{s->number(0), s->number(1), s->number(2) != 0, s->number(3) != 0}};
}

/// With the reserve behind it: what has begun must come to its end.
result<void> store::write(const std::function<result<void>()>& what) {
  auto wrote = what();
  if (!wrote && wrote.error().code == errc::no_space && reserve_.spend()) {
    step("reserve_used");
    wrote = what();
  }
  if (!wrote)
    return failed(wrote.error());
  checkpoint_if_due();
  return {};
}

void store::checkpoint_if_due() {
  if (wal_pages_ < checkpoint_pages)
    return;
  step("checkpoint_begun");
  // Without success (full disk) the WAL goes on growing and the next one tries again.
  sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  wal_pages_ = 0;
  step("checkpoint_written");
}

result<void> store::in_transaction(const std::function<result<void>()>& what) {
  if (auto begun = sqlite::execute(db_.get(), "BEGIN IMMEDIATE"); !begun)
    return begun;
  auto did = what();
  if (did)
    did = sqlite::execute(db_.get(), "COMMIT");
  if (!did && sqlite3_get_autocommit(db_.get()) == 0)
    (void)sqlite::execute(db_.get(), "ROLLBACK");
  return did;
}

result<void> store::received(const journal_key& key, std::string_view fingerprint,
                             std::string_view command, std::string_view plan, wall_ms now) {
  step("received_begun");
  if (command.size() + plan.size() > how_.limits.max_result)
    return error{errc::payload_too_large, "the command is too large for the journal"};
  // Without a reserve its DONE might find no room.
  if (auto room = reserve_.fill(); !room)
    return room.error();
  auto known = locate(key);
  if (!known)
    return known.error();
  const auto bytes = size_of(command.size() + plan.size());
  const auto wrote = *known ? replace_.begin()
                                .bind(fingerprint)
                                .bind(command)
                                .bind(plan)
                                .bind(now)
                                .bind(bytes)
                                .bind((*known)->n)
                                .run()
                            : insert_.begin()
                                .bind(key.session)
                                .bind(key.src)
                                .bind(key.id)
                                .bind(fingerprint)
                                .bind(command)
                                .bind(plan)
                                .bind(now)
                                .bind(bytes)
                                .run();
  if (!wrote)
    return failed(wrote.error());
  rows_ += *known ? 0 : 1;
  bytes_ += bytes - (*known ? (*known)->bytes : 0);
  step("received_written");
  checkpoint_if_due();
  return {};
}

result<void> store::planned(const journal_key& key, std::string_view plan) {
  step("planned_begun");
  auto known = locate(key);
  if (!known)
    return known.error();
  if (!*known || (*known)->done)
    return absent(key);
  // Its length counts as added: the former plan is nearly always empty.
  const auto bytes = (*known)->bytes + size_of(plan.size());
  auto wrote = write([&] { return plan_.begin().bind(plan).bind(bytes).bind((*known)->n).run(); });
  if (!wrote)
    return wrote;
  bytes_ += bytes - (*known)->bytes;
  step("planned_written");
  return {};
}

result<void> store::reserve_positions(std::uint64_t upto) {
  if (upto <= reserved_rseq_)
    return {};
  const auto next = upto + positions_at_once;
  if (auto wrote = set_value(reserved_positions, std::to_string(next)); !wrote)
    return wrote;
  reserved_rseq_ = next;
  return {};
}

result<std::uint64_t> store::done(const journal_key& key,
                                  const std::function<std::string(std::uint64_t)>& make_text,
                                  wall_ms now) {
  step("done_begun");
  auto known = locate(key);
  if (!known)
    return known.error();
  if (!*known)
    return absent(key);
  if ((*known)->done)
    return error{errc::conflict, "it has an answer already"};
  const auto rseq = last_rseq_ + 1;
  if (auto reserved = reserve_positions(rseq); !reserved)
    return reserved.error();
  const auto text = make_text(rseq);
  if (text.size() > how_.limits.max_result)
    return error{errc::payload_too_large, "the result is too large for the journal"};
  step("done_made");
  const auto bytes = size_of(text.size());
  auto wrote = write([&] {
    return done_.begin()
      .bind(text)
      .bind(static_cast<std::int64_t>(rseq))
      .bind(now)
      .bind(bytes)
      .bind((*known)->n)
      .run();
  });
  if (!wrote)
    return wrote.error();
  last_rseq_ = rseq;
  bytes_ += bytes - (*known)->bytes;
  step("done_written");
  if (too_much())
    (void)forget_oldest(now, trim_rows, false); // its own time comes with the sweep
  return rseq;
}

result<std::optional<journal_row>> store::find(const journal_key& key, bool with_released) {
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

result<std::vector<journal_row>> store::rows(statement& s, std::size_t limit) {
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

result<std::vector<journal_row>> store::unfinished() {
  running s{unfinished_};
  return rows(*s.operator->(), SIZE_MAX);
}

result<std::vector<journal_row>> store::unreleased(const std::string& session,
                                                   const std::string& src, std::uint64_t after,
                                                   std::size_t limit) {
  running s{src.empty() ? unreleased_ : unreleased_of_};
  // A position from outside may be any number; ours stay far below.
  s->bind(static_cast<std::int64_t>(std::min<std::uint64_t>(after, INT64_MAX))).bind(session);
  if (!src.empty())
    s->bind(src);
  s->bind(size_of(std::min<std::size_t>(limit, INT64_MAX)));
  return rows(*s.operator->(), limit);
}

result<std::vector<journal_row>> store::finished_since(const std::string& session, wall_ms since,
                                                       std::size_t limit) {
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

result<std::size_t> store::release(const std::string& session, const std::string& src,
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
result<std::size_t> store::forget_oldest(wall_ms now, std::size_t most, bool by_age) {
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

result<std::size_t> store::sweep(wall_ms now) {
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

result<std::optional<std::string>> store::value(std::string_view name) {
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

result<void> store::set_value(std::string_view name, std::string_view text) {
  return write([&] { return set_value_.begin().bind(name).bind(text).run(); });
}

} // namespace

result<std::unique_ptr<journal_store>> journal_store::open(journal_options how) {
  const auto step = [&](std::string_view name) {
    if (how.at_step)
      how.at_step(name);
  };
  step("open_begun");
  auto file = open_journal_file(how);
  if (!file)
    return file.error();
  step("open_checked");
  auto at_step = how.at_step;
  auto made = std::make_unique<store>(std::move(how), std::move(*file));
  if (auto started = made->start(); !started)
    return started.error();
  if (at_step)
    at_step("open_ready");
  return {boost::system::in_place_value, std::unique_ptr<journal_store>{std::move(made)}};
}

} // namespace holt::link
