// SPDX-License-Identifier: Apache-2.0
#pragma once

// The journal's file: opened or made, checked, set aside when it is damaged; and its reserve, a
// file of fixed size beside it that is given up when the disk is full, so that what has begun can
// still be written down. Blocking; owned by the journal store.

#include "link/journal_store.hpp"
#include "link/sqlite.hpp"

namespace holt::link {

struct opened_journal {
  sqlite::database db;
  std::string damage; ///< name of what was set aside, with the reason; empty: nothing
};

result<opened_journal> open_journal_file(const journal_options& how);
/// So that the next open looks at every page.
void suspect_journal(const std::string& file);

class journal_reserve {
public:
  explicit journal_reserve(const std::string& journal);
  /// Makes it, unless it is there. no_space, read_only, io.
  result<void> fill();
  /// Gives it up. False: it was not there.
  bool spend();
  bool is_full() const noexcept { return full_; }

private:
  std::string file_;
  bool full_ = false;
};

} // namespace holt::link
