// SPDX-License-Identifier: Apache-2.0
#include "link/command_ledger.hpp"

#include <set>

namespace holt::link {

namespace {

error conflict() {
  return {errc::id_conflict,
          "this id belongs to another command; ids are free again after release"};
}

error replayed() {
  return {errc::token_invalid, "auth: this signature was used before; sign anew"};
}

bool same_id(const open_command& a, std::string_view fingerprint) {
  return a.fingerprint == fingerprint;
}

} // namespace

std::string_view to_string(command_phase phase) noexcept {
  switch (phase) {
  case command_phase::looking:
  case command_phase::queued: return "queued";
  case command_phase::running: return "running";
  case command_phase::done: return "done";
  case command_phase::unknown: break;
  }
  return "unknown";
}

repeat judge(const command& what, std::string_view fingerprint, const journal_row& row,
             const link_history& history, wall_ms now) {
  const bool equal = row.fingerprint == fingerprint;
  if (!row.done)
    return equal ? repeat::is_open : repeat::is_conflict;
  if (row.released)
    return equal && history.may_be_stray(what.anonymous(), row.done_at, now) ? repeat::is_stray
                                                                             : repeat::is_new;
  if (what.anonymous())
    return equal && history.may_be_lost(row.done_at, row.done_at, now) ? repeat::is_done
                                                                       : repeat::is_new;
  return equal ? repeat::is_done : repeat::is_conflict;
}

command_ledger::command_ledger(ledger_identity me, wall_ms silent_since, ledger_limits limits)
  : me_(std::move(me)),
    max_open_(limits.max_open),
    history_(silent_since, limits.history),
    answers_(limits.recent_entries, limits.recent_bytes) {}

// -- the link

void command_ledger::link_up(const sender& send, wall_ms now) {
  history_.up(now);
  presence_known_ = false;
  bool takes = true;
  answers_.in_order([&](answered& a) {
    if (!a.text || !history_.to_rebroadcast(a.at, a.sent_at, now))
      return true;
    takes = takes && send(a.text);
    if (takes)
      answers_.sent(a, now);
    else
      lost(a, now);
    return true;
  });
}

void command_ledger::link_down(wall_ms since) {
  history_.down(since);
  // Who else is there is not known any more; the last to own keeps quiet until presence says more.
  presence_known_ = false;
}

void command_ledger::listeners(bool somebody, wall_ms now) {
  history_.listeners(somebody, now);
}

void command_ledger::presence(const std::vector<sandbox_presence>& all) {
  presence_known_ = true;
  owner_ = owner_instead_of(me_.sandbox, me_.since, all);
}

// -- a command comes

decision command_ledger::arrived(const command& what, std::string fingerprint, wall_ms now,
                                 bool same_signature) {
  if (!what.to.empty() && what.to != me_.sandbox)
    return ignore_it{"other_sandbox"};
  if (what.to.empty() && owner_)
    return ignore_it{"not_owner"};
  if (is_control(what.kind))
    return execute_it{0};
  auto key = key_of(what.src, what.id);
  if (auto i = open_by_key_.find(key); i != open_by_key_.end()) {
    auto& running = open_.at(i->second);
    if (!same_id(running, fingerprint))
      return refuse_it{conflict()};
    running.wants_ack = running.wants_ack || what.ack;
    return acknowledge{running.phase, running.wants_ack};
  }
  const auto* found = answers_.find(key);
  if (found == nullptr)
    return admit(what, fingerprint, now, !has_effect(what), same_signature);
  const auto& known = *found;
  if (known.released) {
    if (known.fingerprint == fingerprint
        && history_.may_be_stray(what.anonymous(), known.sent_at, now))
      return ignore_it{"released"};
    return admit(what, fingerprint, now, true, same_signature);
  }
  if (what.anonymous()) {
    const bool lost = history_.may_be_lost(known.at, known.sent_at, now)
                      || history_.may_be_lost(known.at, known.at, now);
    if (known.fingerprint != fingerprint || !lost)
      return admit(what, fingerprint, now, true, same_signature);
  } else if (known.fingerprint != fingerprint) {
    return refuse_it{conflict()};
  }
  if (known.repeatable)
    return admit(what, fingerprint, now, true, same_signature);
  if (known.text)
    return send_again{dup_of(*known.text)};
  return admit(what, fingerprint, now, false, same_signature);
}

decision command_ledger::admit(const command& what, const std::string& fingerprint, wall_ms now,
                               bool known_to_be_new, bool same_signature) {
  const bool effect = has_effect(what);
  if (known_to_be_new) {
    if (same_signature && effect)
      return refuse_it{replayed()};
    if (what.deadline_ms && *what.deadline_ms < now)
      return refuse_it{{errc::expired, ""}};
  }
  if (open_.size() >= max_open_)
    return refuse_it{{errc::busy, "too many commands at once"}};
  open_command added;
  added.number = ++last_number_;
  added.key = key_of(what.src, what.id);
  added.fingerprint = fingerprint;
  added.phase = known_to_be_new ? command_phase::queued : command_phase::looking;
  added.kind = what.kind;
  added.effect = effect;
  added.wants_ack = what.ack;
  added.replayed_signature = same_signature;
  added.deadline_ms = what.deadline_ms;
  auto key = added.key;
  const auto number = added.number;
  open_by_key_.emplace(key, number);
  open_.emplace(number, std::move(added));
  if (!known_to_be_new)
    return look_up{number, std::move(key)};
  answers_.forget(key); // its answer must not be sent as that of the new one
  return execute_it{number};
}

decision command_ledger::looked_up(command_number number, const std::optional<journal_row>& row,
                                   wall_ms now) {
  auto i = open_.find(number);
  if (i == open_.end() || i->second.phase != command_phase::looking)
    return ignore_it{"unknown"};
  auto& mine = i->second;
  command asked;
  asked.kind = mine.kind;
  asked.src = mine.key.src;
  auto verdict = repeat::is_new;
  if (row)
    verdict = judge(asked, mine.fingerprint, *row, history_, now);
  if (verdict == repeat::is_new) {
    const bool late = mine.deadline_ms && *mine.deadline_ms < now;
    if (!late && !mine.replayed_signature) {
      mine.phase = command_phase::queued;
      return execute_it{number};
    }
    auto why = late ? error{errc::expired, ""} : replayed();
    forget(number);
    return refuse_it{std::move(why)};
  }
  const bool wants_ack = mine.wants_ack;
  forget(number);
  if (verdict == repeat::is_conflict)
    return refuse_it{conflict()};
  if (verdict == repeat::is_stray)
    return ignore_it{"released"};
  if (verdict == repeat::is_open) // its DONE could not be written yet, or the start settles it
    return acknowledge{command_phase::running, wants_ack};
  return send_again{dup_of(row->result)};
}

decision command_ledger::received(command_number number) {
  auto i = open_.find(number);
  if (i == open_.end() || i->second.phase != command_phase::looking)
    return ignore_it{"unknown"};
  i->second.phase = command_phase::queued;
  return execute_it{number};
}

void command_ledger::forget(command_number number) {
  auto i = open_.find(number);
  if (i == open_.end())
    return;
  open_by_key_.erase(i->second.key);
  open_.erase(i);
}

// -- it goes on

void command_ledger::running(command_number number) {
  if (auto i = open_.find(number); i != open_.end())
    i->second.phase = command_phase::running;
}

void command_ledger::finished(command_number number, shared_text text, wall_ms now) {
  auto i = open_.find(number);
  if (i == open_.end())
    return;
  answered a;
  a.key = i->second.key;
  a.fingerprint = i->second.fingerprint;
  a.text = std::move(text);
  a.at = a.sent_at = now;
  a.repeatable = !i->second.effect;
  forget(number);
  answers_.remember(std::move(a));
}

void command_ledger::refused(command_number number, shared_text text, wall_ms now) {
  auto i = open_.find(number);
  if (i == open_.end())
    return;
  i->second.effect = true; // not to run on a repeat: its agent has been told that it did not
  finished(number, std::move(text), now);
}

void command_ledger::refused(const command& what, std::string fingerprint, shared_text text,
                             wall_ms now) {
  answered a;
  a.key = key_of(what.src, what.id);
  if (open_by_key_.count(a.key) != 0)
    return;
  a.fingerprint = std::move(fingerprint);
  a.text = std::move(text);
  a.at = a.sent_at = now;
  answers_.remember(std::move(a));
}

void command_ledger::not_sent(const journal_key& key, wall_ms now) {
  if (auto* a = answers_.find(key); a != nullptr && a->text)
    lost(*a, now);
  else
    history_.lost(now);
}

void command_ledger::lost(answered& which, wall_ms now) {
  history_.lost(now);
  answers_.not_sent(which, now);
}

void command_ledger::send_unsent(const sender& send, wall_ms now) {
  answers_.in_order([&](answered& a) {
    if (a.unsent && !send(a.text)) {
      history_.lost(now);
      return false;
    }
    if (a.unsent)
      answers_.sent(a, now);
    return answers_.has_unsent();
  });
}

void command_ledger::restore(const std::vector<journal_row>& rows) {
  for (const auto& row : rows) {
    if (!row.done || row.key.session != me_.session || open_by_key_.count(row.key) != 0)
      continue;
    answered a;
    a.key = row.key;
    a.fingerprint = row.fingerprint;
    a.text = std::make_shared<const std::string>(row.result);
    a.at = a.sent_at = row.done_at;
    answers_.remember(std::move(a));
  }
}

// -- about commands

const open_command* command_ledger::find(command_number number) const {
  auto i = open_.find(number);
  return i == open_.end() ? nullptr : &i->second;
}

const open_command* command_ledger::find(std::string_view src, std::string_view id) const {
  auto i = open_by_key_.find(key_of(src, id));
  return i == open_by_key_.end() ? nullptr : find(i->second);
}

journal_key command_ledger::key_of(std::string_view src, std::string_view id) const {
  return {me_.session, std::string{src}, std::string{id}};
}

std::vector<command_ledger::queried>
command_ledger::query(std::string_view src, const std::vector<std::string>& ids) const {
  std::vector<queried> out;
  std::set<std::string_view> asked;
  for (const auto& id : ids) {
    if (!asked.insert(id).second)
      continue;
    queried q;
    q.id = id;
    auto key = key_of(src, id);
    if (const auto* running = find(src, id)) {
      q.phase = running->phase;
    } else if (const auto* known = answers_.find(key); known != nullptr && known->text) {
      q.phase = command_phase::done;
      q.text = dup_of(*known->text);
    } else {
      q.look_up = true;
    }
    out.push_back(std::move(q));
  }
  return out;
}

void command_ledger::release(std::string_view src, const std::vector<std::string>& ids) {
  for (const auto& id : ids)
    if (auto* known = answers_.find(key_of(src, id)); known != nullptr)
      answers_.release(*known);
}

} // namespace holt::link
