// SPDX-License-Identifier: Apache-2.0
#include "link/command_ledger.hpp"

#include <algorithm>
#include <set>

namespace holt::link {

namespace {

/// Bytes: texts up to this size stay as long as their entry.
constexpr std::size_t short_text = 256;

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

shared_text marked(const std::string& text) {
  return std::make_shared<const std::string>(with_dup(text));
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

std::string with_dup(std::string_view text) {
  auto end = text.find_last_of('}');
  if (end == text.npos)
    return std::string{text};
  std::string out;
  out.reserve(text.size() + 11);
  out.append(text.substr(0, end));
  // An empty object cannot be: a result has a type. But bytes from disk are bytes from disk.
  const auto before = out.find_last_not_of(" \t\r\n");
  out.append(before != out.npos && out[before] == '{' ? "\"dup\":true" : ",\"dup\":true");
  out.append(text.substr(end));
  return out;
}

std::optional<sandbox_presence> sandbox_presence_of(const nlohmann::json& meta) {
  if (!meta.is_object())
    return std::nullopt;
  const auto role = meta.find("role");
  const auto id = meta.find("id");
  const auto since = meta.find("since");
  if (role == meta.end() || *role != "sandbox" || id == meta.end() || !id->is_string()
      || since == meta.end() || !since->is_number_integer())
    return std::nullopt;
  sandbox_presence out{id->get<std::string>(), since->get<std::int64_t>(), 0};
  if (auto boot = meta.find("boot"); boot != meta.end() && boot->is_number_integer())
    out.boot = boot->get<std::int64_t>();
  if (out.id.empty() || out.since < 0)
    return std::nullopt;
  return out;
}

command_ledger::command_ledger(ledger_identity me, wall_ms silent_since, ledger_limits limits)
  : me_(std::move(me)), limits_(limits), history_(silent_since, limits.history) {}

// -- the link

void command_ledger::link_up(const sender& send, wall_ms now) {
  history_.up(now);
  presence_known_ = false;
  bool takes = true;
  for (const auto& [order, key] : recent_by_order_) {
    auto& a = recent_.at(key);
    if (!a.text || !history_.to_rebroadcast(a.at, a.sent_at, now))
      continue;
    takes = takes && send(a.text);
    if (takes)
      sent(a, now);
    else
      not_sent(key, now);
  }
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
  // Of several metas of one id the newest boot speaks: older ones are ghosts.
  std::map<std::string, const sandbox_presence*> others;
  for (const auto& p : all) {
    if (p.id == me_.sandbox)
      continue;
    auto& best = others[p.id];
    if (best == nullptr || p.boot > best->boot)
      best = &p;
  }
  owner_.reset();
  std::pair<std::int64_t, std::string> oldest{me_.since, me_.sandbox};
  for (const auto& [id, p] : others)
    if (std::pair candidate{p->since, id}; candidate < oldest) {
      oldest = candidate;
      owner_ = id;
    }
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
  auto i = recent_.find(key);
  if (i == recent_.end())
    return admit(what, fingerprint, now, !has_effect(what), same_signature);
  auto& known = i->second;
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
    return send_again{marked(*known.text)};
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
  if (open_.size() >= limits_.max_open)
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
  if (auto old = recent_.find(key); old != recent_.end())
    drop(old); // its answer must not be sent as that of the new one
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
  return send_again{marked(row->result)};
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
  remember(std::move(a));
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
  remember(std::move(a));
}

void command_ledger::sent(answered& which, wall_ms now) {
  which.sent_at = now;
  unsent_ -= which.unsent ? 1 : 0;
  which.unsent = false;
}

void command_ledger::not_sent(const journal_key& key, wall_ms now) {
  history_.lost(now);
  auto i = recent_.find(key);
  if (i == recent_.end() || !i->second.text)
    return;
  unsent_ += i->second.unsent ? 0 : 1;
  i->second.unsent = true;
  i->second.sent_at = now;
}

void command_ledger::send_unsent(const sender& send, wall_ms now) {
  for (auto i = recent_by_order_.begin(); unsent_ > 0 && i != recent_by_order_.end(); ++i) {
    auto& a = recent_.at(i->second);
    if (!a.unsent)
      continue;
    if (!send(a.text))
      return history_.lost(now);
    sent(a, now);
  }
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
    remember(std::move(a));
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
    } else if (auto i = recent_.find(key); i != recent_.end() && i->second.text) {
      q.phase = command_phase::done;
      q.text = marked(*i->second.text);
    } else {
      q.look_up = true;
    }
    out.push_back(std::move(q));
  }
  return out;
}

void command_ledger::release(std::string_view src, const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    auto i = recent_.find(key_of(src, id));
    if (i == recent_.end())
      continue;
    auto& a = i->second;
    recent_bytes_ -= a.text ? a.text->size() : 0;
    a.text.reset();
    sent(a, a.sent_at);
    a.released = true;
  }
}

// -- memory

void command_ledger::remember(answered what) {
  if (auto old = recent_.find(what.key); old != recent_.end())
    drop(old);
  what.order = ++last_order_;
  recent_bytes_ += what.text ? what.text->size() : 0;
  recent_by_order_.emplace(what.order, what.key);
  auto key = what.key;
  recent_.emplace(std::move(key), std::move(what));
  trim();
}

void command_ledger::drop(std::map<journal_key, answered>::iterator which) {
  recent_bytes_ -= which->second.text ? which->second.text->size() : 0;
  unsent_ -= which->second.unsent ? 1 : 0;
  recent_by_order_.erase(which->second.order);
  recent_.erase(which);
}

void command_ledger::trim() {
  while (recent_.size() > limits_.recent_entries)
    drop(recent_.find(recent_by_order_.begin()->second));
  // Texts go first; that the id is taken is remembered for longer. The journal has the rest, except
  // refusals, which are short.
  for (auto i = recent_by_order_.upper_bound(trimmed_to_);
       recent_bytes_ > limits_.recent_bytes && i != recent_by_order_.end(); ++i) {
    trimmed_to_ = i->first;
    auto& a = recent_.at(i->second);
    if (!a.text || a.text->size() <= short_text)
      continue;
    recent_bytes_ -= a.text->size();
    unsent_ -= a.unsent ? 1 : 0;
    a.unsent = false;
    a.text.reset();
  }
}

// -- resume

resume_walk::resume_walk(std::string src, std::uint64_t after, limits how)
  : src_(std::move(src)), after_(after), limits_(how) {}

std::vector<shared_text> resume_walk::rows(const std::vector<journal_row>& page, wall_ms now) {
  std::vector<shared_text> out;
  for (const auto& row : page) {
    if (!row.done || row.rseq <= after_)
      continue;
    after_ = row.rseq;
    out.push_back(marked(row.result));
  }
  sent_ += out.size();
  finished_ = page.size() < limits_.page || out.empty();
  next_at_ = now + limits_.pause;
  return out;
}

} // namespace holt::link
