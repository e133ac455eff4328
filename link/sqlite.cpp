// SPDX-License-Identifier: Apache-2.0
#include "link/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>

namespace holt::link::sqlite {

void close_database::operator()(sqlite3* db) const noexcept {
  sqlite3_close_v2(db);
}

void close_statement::operator()(sqlite3_stmt* s) const noexcept {
  sqlite3_finalize(s);
}

error last_error(sqlite3* db, std::string_view what) {
  const auto code = sqlite3_extended_errcode(db);
  const auto cause = sqlite3_system_errno(db);
  std::string detail{what};
  detail += ": ";
  detail += sqlite3_errmsg(db);
  const auto kind = code & 0xff;
  const bool io = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN;
  if (kind == SQLITE_FULL || (io && (cause == ENOSPC || cause == EDQUOT || cause == EFBIG)))
    return {errc::no_space, std::move(detail)};
  if (kind == SQLITE_READONLY || (io && cause == EROFS))
    return {errc::read_only, std::move(detail)};
  if (kind == SQLITE_TOOBIG)
    return {errc::payload_too_large, std::move(detail)};
  return {errc::io, std::move(detail)};
}

bool is_damage(int code) noexcept {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

result<void> execute(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return last_error(db, "journal");
  return {};
}

result<std::int64_t> number(sqlite3* db, const char* sql) {
  auto s = statement::prepare(db, sql);
  if (!s)
    return s.error();
  auto row = s->step();
  if (!row)
    return row.error();
  return *row ? s->number(0) : 0;
}

result<statement> statement::prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK)
    return last_error(db, "journal");
  statement out;
  out.statement_.reset(raw);
  return {boost::system::in_place_value, std::move(out)};
}

statement& statement::begin() {
  sqlite3_reset(statement_.get());
  next_ = 1;
  return *this;
}

statement& statement::bind(std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  sqlite3_bind_text64(statement_.get(), next_++, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

statement& statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), next_++, number);
  return *this;
}

result<bool> statement::step() {
  switch (sqlite3_step(statement_.get())) {
  case SQLITE_ROW: return true;
  case SQLITE_DONE: return false;
  default: {
    auto why = last_error(sqlite3_db_handle(statement_.get()), "journal");
    reset();
    return why;
  }
  }
}

result<void> statement::run() {
  auto row = step();
  reset();
  if (!row)
    return row.error();
  return {};
}

std::string statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const auto size = sqlite3_column_bytes(statement_.get(), column);
  return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string{};
}

std::int64_t statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void statement::reset() {
  sqlite3_reset(statement_.get());
}

} // namespace holt::link::sqlite
