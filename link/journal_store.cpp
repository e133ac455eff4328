// SPDX-License-Identifier: Apache-2.0
#include "link/journal_sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace holt::link {

using sqlite::running;
using sqlite::statement;

namespace {

/// Positions that are set aside on disk at once, so that none is ever given twice, whatever is
/// released in between.
constexpr std::uint64_t positions_at_once = 1'024;
constexpr int checkpoint_pages = 1'000;
/// Rows that leave with one DONE while a limit is exceeded.
constexpr std::size_t trim_rows = 64;
constexpr std::string_view reserved_positions = "rseq_reserved";

error absent(const journal_key& key) {
  return {errc::not_found, "the journal does not know " + key.src + "/" + key.id};
}

} // namespace

result<void> sqlite_journal::start() {
  const auto with_columns = [](const char* rest) {
    return std::string{"SELECT "} + journal_columns + " FROM commands " + rest;
  };
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
      static_cast<sqlite_journal*>(self)->wal_pages_ = pages;
      return SQLITE_OK;
    },
    this);
  (void)sqlite::execute(db_.get(), "PRAGMA journal_size_limit=8388608");
  (void)reserve_.fill(); // asked for again before each RECEIVED
  return {};
}

error sqlite_journal::failed(error why) const {
  if (sqlite::is_damage(sqlite3_errcode(db_.get()))) {
    suspect_journal(how_.file);
    why.detail += "; the journal is damaged, the next start sets it aside";
  }
  return why;
}

result<std::optional<sqlite_journal::place>> sqlite_journal::locate(const journal_key& key) {
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
result<void> sqlite_journal::write(const std::function<result<void>()>& what) {
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

void sqlite_journal::checkpoint_if_due() {
  if (wal_pages_ < checkpoint_pages)
    return;
  step("checkpoint_begun");
  // Without success (full disk) the WAL goes on growing and the next one tries again.
  sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  wal_pages_ = 0;
  step("checkpoint_written");
}

result<void> sqlite_journal::in_transaction(const std::function<result<void>()>& what) {
  if (auto begun = sqlite::execute(db_.get(), "BEGIN IMMEDIATE"); !begun)
    return begun;
  auto did = what();
  if (did)
    did = sqlite::execute(db_.get(), "COMMIT");
  if (!did && sqlite3_get_autocommit(db_.get()) == 0)
    (void)sqlite::execute(db_.get(), "ROLLBACK");
  return did;
}

result<void> sqlite_journal::received(const journal_key& key, std::string_view fingerprint,
                                      std::string_view command, std::string_view plan,
                                      wall_ms now) {
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

result<void> sqlite_journal::planned(const journal_key& key, std::string_view plan) {
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

result<void> sqlite_journal::reserve_positions(std::uint64_t upto) {
  if (upto <= reserved_rseq_)
    return {};
  const auto next = upto + positions_at_once;
  if (auto wrote = set_value(reserved_positions, std::to_string(next)); !wrote)
    return wrote;
  reserved_rseq_ = next;
  return {};
}

result<std::uint64_t>
sqlite_journal::done(const journal_key& key,
                     const std::function<std::string(std::uint64_t)>& make_text, wall_ms now) {
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

result<void> sqlite_journal::set_value(std::string_view name, std::string_view text) {
  return write([&] { return set_value_.begin().bind(name).bind(text).run(); });
}

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
  auto made = std::make_unique<sqlite_journal>(std::move(how), std::move(*file));
  if (auto started = made->start(); !started)
    return started.error();
  if (at_step)
    at_step("open_ready");
  return {boost::system::in_place_value, std::unique_ptr<journal_store>{std::move(made)}};
}

} // namespace holt::link
