// SPDX-License-Identifier: Apache-2.0
#pragma once

// SQLite as values: a connection, a prepared statement, errors as ours. Only what the journal
// needs. One thread at a time. No exceptions: every step answers a result.

#include "messages/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace holt::link::sqlite {

struct close_database {
  void operator()(sqlite3* db) const noexcept;
};
struct close_statement {
  void operator()(sqlite3_stmt* s) const noexcept;
};
using database = std::unique_ptr<sqlite3, close_database>;

/// What went wrong last, as one of ours: no_space, read_only, io. `what` begins the detail.
error last_error(sqlite3* db, std::string_view what);
/// The file itself is damaged or is no database.
bool is_damage(int code) noexcept;

result<void> execute(sqlite3* db, const char* sql);
/// One number or `otherwise`.
result<std::int64_t> number(sqlite3* db, const char* sql);

/// A prepared statement that is used again and again. Binds in order; texts must live until
/// step() has been called for the last time.
class statement {
public:
  statement() = default;
  static result<statement> prepare(sqlite3* db, const char* sql);

  statement& begin(); ///< forgets the former run
  statement& bind(std::string_view text);
  statement& bind(std::int64_t number);
  /// True: a row is there.
  result<bool> step();
  /// For those without rows.
  result<void> run();

  std::string text(int column) const;
  std::int64_t number(int column) const;
  bool is_null(int column) const;
  /// Ends the run, so that it holds no lock and no text.
  void reset();

private:
  std::unique_ptr<sqlite3_stmt, close_statement> statement_;
  int next_ = 1;
};

/// Resets at the end of a scope.
class running {
public:
  explicit running(statement& which) : which_(which.begin()) {}
  ~running() { which_.reset(); }
  running(const running&) = delete;
  running& operator=(const running&) = delete;
  statement* operator->() { return &which_; }

private:
  statement& which_;
};

} // namespace holt::link::sqlite
