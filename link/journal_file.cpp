// SPDX-License-Identifier: Apache-2.0
#include "link/journal_file.hpp"

#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace holt::link {

namespace {

constexpr std::int64_t application_id = 0x486f'6c74; // "Holt"
constexpr std::int64_t schema_version = 2;
/// Bytes: up to this size every page is looked at on each start (64 MiB: about 0.1 s).
constexpr off_t always_check = 64 << 20;
/// Bytes that a few dozen DONEs need.
constexpr off_t reserve_size = 1 << 20;

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS commands(
  n INTEGER PRIMARY KEY,
  session TEXT NOT NULL, src TEXT NOT NULL, id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  released INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL, received_at INTEGER NOT NULL, done_at INTEGER, rseq INTEGER,
  plan TEXT NOT NULL, command TEXT NOT NULL, result TEXT,
  UNIQUE(session, src, id));
CREATE UNIQUE INDEX IF NOT EXISTS by_rseq ON commands(rseq) WHERE rseq IS NOT NULL;
CREATE INDEX IF NOT EXISTS unfinished ON commands(received_at) WHERE rseq IS NULL;
CREATE INDEX IF NOT EXISTS released ON commands(done_at) WHERE released=1;
CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
)";

error system_error(const std::string& what, int cause) {
  const auto code = cause == ENOSPC || cause == EDQUOT ? errc::no_space
                    : cause == EROFS                   ? errc::read_only
                    : cause == EACCES                  ? errc::denied
                                                       : errc::io;
  return {code, what + ": " + std::strerror(cause)};
}

/// While it is opened, `unsupported file format` is a plain SQLITE_ERROR.
bool is_broken(int code) {
  return sqlite::is_damage(code) || (code & 0xff) == SQLITE_ERROR;
}

std::string suspect_of(const std::string& file) {
  return file + ".suspect";
}

std::string time_stamp() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

/// With mode 0600 before SQLite gives it its own; the WAL takes the same.
result<off_t> make_private(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0)
    return system_error("cannot open " + file, errno);
  struct stat now {};
  const bool known = ::fstat(fd, &now) == 0;
  ::close(fd);
  if (!known || !S_ISREG(now.st_mode))
    return error{errc::io, file + " is not a file"};
  return now.st_size;
}

/// The tables and settings of a connection. Damage comes out as SQLite's own code.
result<void> prepare(sqlite3* db, const journal_options& how) {
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, 2'000);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const bool power = how.safe_against == durability::power;
  // Exclusive: no shared memory file (a full disk is an error then, not a SIGBUS) and no locks to
  // take at each step. Before the first table: the vacuum mode is part of the file.
  for (const char* sql :
       {power ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF",
        "PRAGMA locking_mode=EXCLUSIVE", "PRAGMA auto_vacuum=INCREMENTAL",
        "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", "PRAGMA cache_size=-2048",
        "PRAGMA temp_store=MEMORY", "PRAGMA trusted_schema=OFF"})
    if (auto done = sqlite::execute(db, sql); !done)
      return done;
  return {};
}

result<void> make_tables(sqlite3* db) {
  for (const char* sql : {"BEGIN IMMEDIATE", schema, "PRAGMA application_id=1215261812",
                          "PRAGMA user_version=2", "COMMIT"})
    if (auto done = sqlite::execute(db, sql); !done)
      return done;
  return {};
}

/// Empty: sound. Else what is wrong. An error: cannot be told (disk, permissions).
result<std::string> look_at(sqlite3* db, bool every_page) {
  const auto wrong = [&](const error& why) -> result<std::string> {
    if (is_broken(sqlite3_errcode(db)))
      return why.detail;
    return why;
  };
  const auto tables = sqlite::number(db, "SELECT count(*) FROM sqlite_master");
  if (!tables)
    return wrong(tables.error());
  if (*tables == 0)
    return std::string{};
  const auto id = sqlite::number(db, "PRAGMA application_id");
  const auto version = sqlite::number(db, "PRAGMA user_version");
  if (!id || !version)
    return wrong(!id ? id.error() : version.error());
  if (*id != application_id)
    return std::string{"it is not a journal of holt"};
  if (*version != schema_version)
    return "it has the format of another version (" + std::to_string(*version) + ")";
  auto check = sqlite::statement::prepare(db, every_page ? "PRAGMA quick_check(1)"
                                                         : "SELECT 'ok' FROM commands LIMIT 1");
  if (!check)
    return std::string{check.error().detail}; // a table is missing
  const auto row = check->step();
  if (!row)
    return wrong(row.error());
  const auto said = *row ? check->text(0) : std::string{"ok"};
  return said == "ok" ? std::string{} : said;
}

result<std::string> set_aside(const std::string& file) {
  auto name = file + ".damaged-" + time_stamp();
  struct stat there {};
  for (int n = 2; ::lstat(name.c_str(), &there) == 0; ++n)
    name = file + ".damaged-" + time_stamp() + "-" + std::to_string(n);
  if (::rename(file.c_str(), name.c_str()) != 0)
    return system_error("cannot set aside " + file, errno);
  ::rename((file + "-wal").c_str(), (name + "-wal").c_str());
  ::unlink((file + "-shm").c_str());
  ::unlink(suspect_of(file).c_str());
  return name;
}

struct attempt {
  sqlite::database db;
  std::string wrong; ///< damage
};

result<attempt> try_open(const journal_options& how) {
  const auto size = make_private(how.file);
  if (!size)
    return size.error();
  attempt out;
  sqlite3* raw = nullptr;
  const auto code
    = sqlite3_open_v2(how.file.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  out.db.reset(raw);
  if (code != SQLITE_OK)
    return sqlite::last_error(raw, "cannot open " + how.file);
  const auto fine = prepare(raw, how);
  // It could be opened for writing: what SQLite will not write has a format of its own.
  if (sqlite3_db_readonly(raw, "main") == 1)
    out.wrong = "it has a format that cannot be written";
  else if (!fine && is_broken(sqlite3_errcode(raw)))
    out.wrong = fine.error().detail;
  else if (!fine)
    return fine.error();
  if (!out.wrong.empty())
    return {boost::system::in_place_value, std::move(out)};
  struct stat suspected {};
  const bool every_page
    = *size <= always_check || ::stat(suspect_of(how.file).c_str(), &suspected) == 0;
  auto looked = look_at(raw, every_page);
  if (!looked)
    return looked.error();
  out.wrong = std::move(*looked);
  if (out.wrong.empty())
    ::unlink(suspect_of(how.file).c_str());
  return {boost::system::in_place_value, std::move(out)};
}

} // namespace

result<opened_journal> open_journal_file(const journal_options& how) {
  opened_journal out;
  // The second time it is a new file.
  for (int n = 0; n < 2; ++n) {
    auto got = try_open(how);
    if (!got)
      return got.error();
    if (got->wrong.empty()) {
      if (auto made = make_tables(got->db.get()); !made)
        return made.error();
      out.db = std::move(got->db);
      return {boost::system::in_place_value, std::move(out)};
    }
    got->db.reset();
    auto name = set_aside(how.file);
    if (!name)
      return name.error();
    out.damage = "the journal was damaged (" + got->wrong + ") and is kept as " + *name;
  }
  return error{errc::io, how.file + " cannot be made anew"};
}

void suspect_journal(const std::string& file) {
  const int fd = ::open(suspect_of(file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0)
    ::close(fd);
}

journal_reserve::journal_reserve(const std::string& journal) : file_(journal + "-reserve") {}

result<void> journal_reserve::fill() {
  if (full_)
    return {};
  const int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return system_error("journal: no reserve", errno);
  const int failed = ::posix_fallocate(fd, 0, reserve_size);
  ::close(fd);
  full_ = failed == 0;
  if (full_)
    return {};
  ::unlink(file_.c_str());
  return system_error("journal: no room for a reserve", failed);
}

bool journal_reserve::spend() {
  if (!full_)
    return false;
  full_ = false;
  return ::unlink(file_.c_str()) == 0;
}

} // namespace holt::link
