// SPDX-License-Identifier: Apache-2.0
#include "broker/mailbox.hpp"

#include "broker/presence.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <variant>

namespace holt::broker {

namespace {

using phoenix::user_message;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

struct closes_database {
  void operator()(sqlite3* what) const { sqlite3_close_v2(what); }
};
struct ends_statement {
  void operator()(sqlite3_stmt* what) const { sqlite3_finalize(what); }
};
using database = std::unique_ptr<sqlite3, closes_database>;
using statement = std::unique_ptr<sqlite3_stmt, ends_statement>;

std::string_view text_at(sqlite3_stmt* row, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(row, column));
  return data == nullptr
           ? std::string_view{}
           : std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

constexpr const char* schema = R"(
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=NORMAL;
  CREATE TABLE IF NOT EXISTS letters (
    seq INTEGER PRIMARY KEY, name TEXT NOT NULL, side INTEGER NOT NULL, id TEXT NOT NULL,
    event TEXT NOT NULL, binary INTEGER NOT NULL, payload BLOB NOT NULL, at_ms INTEGER NOT NULL);
)";

/// What the index knows of a stored message.
struct entry {
  std::int64_t seq = 0;
  side from = side::unknown;
  std::uint64_t bytes = 0;
  std::int64_t at = 0;
  bool lent = false;
  unsigned returned = 0;
};

struct box {
  std::deque<entry> entries; ///< oldest first
  std::uint64_t bytes = 0;
};

class sqlite_mailbox final : public mailbox {
public:
  sqlite_mailbox(mailbox_options how, database db) : how_{std::move(how)}, db_{std::move(db)} {}

  ~sqlite_mailbox() override {
    thread_.join(); // what waits is written first
  }

  result<void> prepare() {
    if (sqlite3_exec(db_.get(), schema, nullptr, nullptr, nullptr) != SQLITE_OK)
      return fault();
    insert_ = compile("INSERT INTO letters VALUES (?,?,?,?,?,?,?,?)");
    remove_ = compile("DELETE FROM letters WHERE seq = ?");
    select_ = compile("SELECT seq, side, id, event, binary, payload FROM letters WHERE name = ? "
                      "ORDER BY seq");
    const auto all = compile("SELECT seq, name, side, length(payload), at_ms FROM letters "
                             "ORDER BY seq");
    if (!insert_ || !remove_ || !select_ || !all)
      return fault();
    while (sqlite3_step(all.get()) == SQLITE_ROW) {
      entry one;
      one.seq = sqlite3_column_int64(all.get(), 0);
      one.from = side_of(sqlite3_column_int(all.get(), 2));
      one.bytes = static_cast<std::uint64_t>(sqlite3_column_int64(all.get(), 3));
      one.at = sqlite3_column_int64(all.get(), 4);
      auto& into = boxes_[std::string{text_at(all.get(), 1)}];
      into.bytes += one.bytes;
      into.entries.push_back(one);
      last_ = one.seq;
    }
    return {};
  }

  /// Forgets what became too old or too much since the file was written.
  void begin() {
    const std::lock_guard lock{mutex_};
    for (auto& [name, one] : boxes_)
      trim(one, 0);
  }

  void store(const std::string& name, side from, user_message what,
             std::function<void(bool)> done) override {
    const std::lock_guard lock{mutex_};
    if (what.id.empty())
      what.id = new_uuid();
    const auto size = what.payload.size();
    auto& into = boxes_[name];
    trim(into, size);
    add(into, {reserve(), from, size, now_ms(), false, 0}, name, std::move(what), std::move(done));
  }

  bool waits(const std::string& name, side reader) const override {
    const std::lock_guard lock{mutex_};
    const auto found = boxes_.find(name);
    if (found == boxes_.end())
      return false;
    const auto oldest = now_ms() - how_.age.count();
    for (const auto& one : found->second.entries)
      if (!one.lent && speaks_to(one.from, reader) && one.at >= oldest)
        return true;
    return false;
  }

  std::vector<std::int64_t> read(const std::string& name, side reader,
                                 std::weak_ptr<const void> whom,
                                 std::function<void(std::vector<letter>)> got) override {
    const std::lock_guard lock{mutex_};
    std::vector<std::int64_t> lent;
    std::map<std::int64_t, unsigned> asked;
    if (const auto found = boxes_.find(name); found != boxes_.end()) {
      trim(found->second, 0);
      for (auto& one : found->second.entries)
        if (!one.lent && speaks_to(one.from, reader)) {
          one.lent = true;
          lent.push_back(one.seq);
          asked.emplace_hint(asked.end(), one.seq, one.returned);
        }
    }
    push(look{name, std::move(asked), std::move(whom), std::move(got)});
    return lent;
  }

  void forget(const std::string& name, const std::vector<std::int64_t>& seqs) override {
    const std::lock_guard lock{mutex_};
    const auto found = boxes_.find(name);
    if (found == boxes_.end())
      return;
    auto& all = found->second;
    for (const auto seq : seqs) {
      const auto at = place_of(all, seq);
      if (at == all.entries.end() || at->seq != seq)
        continue;
      all.bytes -= at->bytes;
      all.entries.erase(at);
      push(drop{seq});
    }
    if (all.entries.empty())
      boxes_.erase(found);
  }

  void give_back(const std::string& name, const std::vector<std::int64_t>& seqs) override {
    const std::lock_guard lock{mutex_};
    const auto found = boxes_.find(name);
    if (found == boxes_.end())
      return;
    for (const auto seq : seqs)
      if (const auto at = place_of(found->second, seq);
          at != found->second.entries.end() && at->seq == seq)
        at->lent = false;
  }

  std::int64_t reserve() override { return last_.fetch_add(1, std::memory_order_relaxed) + 1; }

  void put_back(const std::string& name, letter what) override {
    const std::lock_guard lock{mutex_};
    auto& into = boxes_[name];
    if (const auto at = place_of(into, what.seq); at != into.entries.end() && at->seq == what.seq) {
      at->lent = false;
      at->returned = what.returned;
      return;
    }
    if (what.message.id.empty())
      what.message.id = new_uuid();
    const auto size = what.message.payload.size();
    trim(into, size);
    add(into, {what.seq, what.from, size, now_ms(), false, what.returned}, name,
        std::move(what.message), {});
  }

  std::uint64_t unwritten() const override { return unwritten_.load(std::memory_order_relaxed); }

private:
  struct put {
    entry what;
    std::string name;
    user_message message;
    std::function<void(bool)> done;
  };
  struct look {
    std::string name;
    std::map<std::int64_t, unsigned> asked; ///< seq, how often it came back
    std::weak_ptr<const void> whom;
    std::function<void(std::vector<letter>)> got;
  };
  struct drop {
    std::int64_t seq;
  };
  using task = std::variant<put, look, drop>;

  static side side_of(int value) {
    return value == 1 ? side::agent : value == 2 ? side::daemon : side::unknown;
  }

  error fault() const {
    return {errc::state_dir,
            std::string{"The mailbox cannot be used: "} + sqlite3_errmsg(db_.get())};
  }

  statement compile(const char* sql) {
    sqlite3_stmt* out = nullptr;
    sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &out, nullptr);
    return statement{out};
  }

  /// Makes room for `more` bytes, and forgets what is too old. With the lock.
  void trim(box& what, std::uint64_t more) {
    const auto oldest = now_ms() - how_.age.count();
    while (!what.entries.empty()
           && (what.entries.front().at < oldest || what.entries.size() + (more > 0) > how_.messages
               || what.bytes + more > how_.bytes)) {
      what.bytes -= what.entries.front().bytes;
      push(drop{what.entries.front().seq});
      what.entries.pop_front();
    }
  }

  /// Where it stands, or would. With the lock.
  static std::deque<entry>::iterator place_of(box& in, std::int64_t seq) {
    return std::lower_bound(in.entries.begin(), in.entries.end(), seq,
                            [](const entry& one, std::int64_t than) { return one.seq < than; });
  }

  /// With the lock.
  void add(box& into, const entry& what, const std::string& name, user_message message,
           std::function<void(bool)> done) {
    into.entries.insert(place_of(into, what.seq), what);
    into.bytes += what.bytes;
    unwritten_ += what.bytes;
    push(put{what, name, std::move(message), std::move(done)});
  }

  /// With the lock.
  void push(task what) {
    tasks_.push_back(std::move(what));
    if (std::exchange(posted_, true))
      return;
    boost::asio::post(thread_, [this] { work(); }); // the destructor waits for it
  }

  /// All that waits, in one transaction; then who asked is told.
  void work() {
    std::vector<task> now;
    {
      const std::lock_guard lock{mutex_};
      now.swap(tasks_);
      posted_ = false;
    }
    if (now.empty())
      return;
    std::vector<std::function<void()>> after;
    bool good = run("BEGIN IMMEDIATE");
    for (auto& one : now)
      good = std::visit([&](auto& what) { return apply(what, after); }, one) && good;
    good = run(good ? "COMMIT" : "ROLLBACK") && good;
    for (auto& one : now)
      if (auto* stored = std::get_if<put>(&one)) {
        unwritten_ -= stored->what.bytes;
        if (stored->done)
          stored->done(good);
      }
    for (const auto& call : after)
      call();
  }

  bool run(const char* sql) {
    return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }

  bool apply(const put& one, std::vector<std::function<void()>>&) {
    auto* s = insert_.get();
    const auto text = [&](int column, const std::string& value) {
      sqlite3_bind_text64(s, column, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    };
    sqlite3_bind_int64(s, 1, one.what.seq);
    text(2, one.name);
    sqlite3_bind_int(s, 3, static_cast<int>(one.what.from));
    text(4, one.message.id);
    text(5, one.message.event);
    sqlite3_bind_int(s, 6, one.message.binary ? 1 : 0);
    sqlite3_bind_blob64(s, 7, one.message.payload.data(), one.message.payload.size(),
                        SQLITE_STATIC);
    sqlite3_bind_int64(s, 8, one.what.at);
    const bool good = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return good;
  }

  bool apply(look& one, std::vector<std::function<void()>>& after) {
    std::vector<letter> out;
    if (one.asked.empty() || one.whom.expired()) {
      after.push_back([call = std::move(one.got)] { call({}); });
      return true;
    }
    auto* s = select_.get();
    sqlite3_bind_text64(s, 1, one.name.data(), one.name.size(), SQLITE_STATIC, SQLITE_UTF8);
    while (sqlite3_step(s) == SQLITE_ROW) {
      letter got;
      got.seq = sqlite3_column_int64(s, 0);
      got.from = side_of(sqlite3_column_int(s, 1));
      const auto asked = one.asked.find(got.seq);
      if (asked == one.asked.end())
        continue;
      got.returned = asked->second;
      got.message.id = text_at(s, 2);
      got.message.event = text_at(s, 3);
      got.message.binary = sqlite3_column_int(s, 4) != 0;
      got.message.payload = text_at(s, 5);
      got.message.replayed = true;
      out.push_back(std::move(got));
    }
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    after.push_back(
      [call = std::move(one.got), all = std::move(out)]() mutable { call(std::move(all)); });
    return true;
  }

  bool apply(const drop& one, std::vector<std::function<void()>>&) {
    auto* s = remove_.get();
    sqlite3_bind_int64(s, 1, one.seq);
    const bool good = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_reset(s);
    return good;
  }

  const mailbox_options how_;
  database db_; ///< the next four: on the mailbox's thread after prepare()
  statement insert_;
  statement remove_;
  statement select_;

  mutable std::mutex mutex_; ///< guards the next four
  std::map<std::string, box> boxes_;
  std::vector<task> tasks_;
  std::atomic<std::int64_t> last_{0};
  bool posted_ = false;
  std::atomic<std::uint64_t> unwritten_{0};
  boost::asio::thread_pool thread_{1};
};

} // namespace

result<std::shared_ptr<mailbox>> mailbox::open(mailbox_options how) {
  sqlite3* raw = nullptr;
  const auto* name = how.file.empty() ? ":memory:" : how.file.c_str();
  const auto rc = sqlite3_open_v2(
    name, &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database db{raw};
  if (rc != SQLITE_OK)
    return error{errc::state_dir, "The mailbox cannot be opened: " + how.file};
  sqlite3_busy_timeout(db.get(), 1'000);
  auto out = std::make_shared<sqlite_mailbox>(std::move(how), std::move(db));
  if (auto ready = out->prepare(); !ready)
    return ready.error();
  out->begin();
  return std::shared_ptr<mailbox>{std::move(out)};
}

} // namespace holt::broker
