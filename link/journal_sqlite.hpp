// SPDX-License-Identifier: Apache-2.0
#pragma once

// The journal in SQLite behind journal_store.hpp. Internal to link/: journal_store.cpp opens it and
// writes rows, journal_rows.cpp reads them, journal_leaving.cpp lets them go. One thread; never
// gives a position twice.

#include "link/journal_file.hpp"
#include "link/journal_store.hpp"
#include "link/sqlite.hpp"

namespace holt::link {

/// Of a row, in the order in which journal_rows.cpp takes them.
inline constexpr const char* journal_columns
  = "session,src,id,fingerprint,command,plan,rseq,result,received_at,done_at,released";

class sqlite_journal final : public journal_store {
public:
  sqlite_journal(journal_options how, opened_journal file)
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
  static std::int64_t size_of(std::size_t bytes) { return static_cast<std::int64_t>(bytes); }
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
  result<std::vector<journal_row>> rows(sqlite::statement& s, std::size_t limit);
  void checkpoint_if_due();
  bool too_much() const {
    return rows_ > static_cast<std::int64_t>(how_.limits.max_rows)
           || bytes_ > static_cast<std::int64_t>(how_.limits.max_bytes);
  }

  journal_options how_;
  std::string damage_;
  journal_reserve reserve_;
  sqlite::database db_;
  sqlite::statement locate_, insert_, replace_, plan_, done_, find_, unfinished_, unreleased_,
    unreleased_of_, latest_, release_, forget_released_, oldest_, forget_, value_, set_value_;
  std::int64_t rows_ = 0;
  std::int64_t bytes_ = 0; ///< of all texts
  std::uint64_t last_rseq_ = 0;
  std::uint64_t reserved_rseq_ = 0;
  wall_ms last_activity_ = 0;
  int wal_pages_ = 0;
};

} // namespace holt::link
