// SPDX-License-Identifier: Apache-2.0
#pragma once

// The newest answers of a session, in memory: what a repeat hears again, what a rejoin sends again,
// what the port did not take. Bounded: the oldest go, texts before their fingerprints; the journal
// has the rest. Owned by a command_ledger, which knows the rules; not thread-safe, no clock.

#include "link/journal_store.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace holt::link {

using shared_text = std::shared_ptr<const std::string>;

/// The stored text of a result with `"dup":true`.
std::string with_dup(std::string_view text);
/// The same, to be sent.
shared_text dup_of(std::string_view text);

struct answered {
  journal_key key;
  std::string fingerprint;
  shared_text text;        ///< null: only the fingerprint is remembered
  wall_ms at = 0;          ///< finished
  bool repeatable = false; ///< a read: a repeat runs again
  wall_ms sent_at = 0;     ///< last
  bool unsent = false;
  bool released = false;
  std::uint64_t order = 0; ///< the memory's own
};

class answer_memory {
public:
  answer_memory(std::size_t max_entries, std::size_t max_bytes)
    : max_entries_(max_entries), max_bytes_(max_bytes) {}

  /// Instead of what has its key; older ones may go for it.
  void remember(answered what);
  void forget(const journal_key& key);
  /// Valid until the next remember() or forget().
  answered* find(const journal_key& key);
  const answered* find(const journal_key& key) const;

  /// Oldest first, until `visit` says false. It changes them through the calls below only.
  void in_order(const std::function<bool(answered&)>& visit);

  void sent(answered& which, wall_ms now);
  /// The port did not take it.
  void not_sent(answered& which, wall_ms now);
  bool has_unsent() const noexcept { return unsent_ > 0; }
  /// Its text goes; that there was an answer is known on.
  void release(answered& which);

private:
  using entry = std::map<journal_key, answered>::iterator;
  void drop(entry which);
  void trim();

  std::size_t max_entries_;
  std::size_t max_bytes_; ///< of all texts
  std::map<journal_key, answered> by_key_;
  std::map<std::uint64_t, journal_key> by_order_; ///< oldest first
  std::uint64_t last_order_ = 0;
  std::uint64_t trimmed_to_ = 0; ///< texts up to this order are gone, but for short ones
  std::size_t bytes_ = 0;
  std::size_t unsent_ = 0;
};

} // namespace holt::link
