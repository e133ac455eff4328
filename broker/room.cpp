// SPDX-License-Identifier: Apache-2.0
#include "broker/room.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace holt::broker {

namespace {

constexpr std::size_t page = 1 << 20; ///< bytes on their way to a member at which letters wait
constexpr std::size_t most_held = 4u << 20; ///< bytes said to a member that still gets its letters
constexpr auto page_every = std::chrono::milliseconds{50};

} // namespace

room::room(boost::asio::io_context& io, std::string name, std::shared_ptr<mailbox> letters,
           std::shared_ptr<replay_log> past)
  : from_mailbox_{io.get_executor()},
    name_{std::move(name)},
    topic_{"realtime:" + name_},
    letters_{std::move(letters)},
    past_{std::move(past)} {}

void room::join(const member_ptr& who) {
  const std::lock_guard lock{mutex_};
  members_.push_back(who);
  const auto wish = who->wishes();
  if (wish && past_) // what is said from now on it hears anyway
    who->past_ = past_->since(name_, who->which(), *wish, now_milliseconds());
  if (!letters_ || !letters_->waits(name_, who->which())) {
    begin(*who);
    return;
  }
  fetch(who);
}

void room::begin(member& who, const std::vector<letter>& coming) {
  who.begun_ = true;
  who.begin(presence_of(all_tracked()));
  for (const auto& one : std::exchange(who.past_, {})) {
    const bool comes = std::any_of(coming.begin(), coming.end(), [&](const letter& other) {
      return other.message.id == one.message.id;
    });
    if (!comes && who.hand(one) == took::gone)
      break;
  }
  who.begun();
  who.present(all_tracked());
}

/// What is said until the letters are here is kept for it, behind them.
void room::fetch(const member_ptr& who) {
  who->joining_ = true;
  who->lent_
    = letters_->read(name_, who->which(), who,
                     [strand = from_mailbox_, self = weak_from_this(),
                      weak = std::weak_ptr<member>{who}](std::vector<letter> all) {
                       boost::asio::post(strand, [self, weak, got = std::move(all)]() mutable {
                         if (const auto here = self.lock())
                           here->letters_came(weak, std::move(got));
                       });
                     });
}

void room::letters_came(const std::weak_ptr<member>& weak, std::vector<letter> all) {
  const auto who = weak.lock();
  if (!who)
    return;
  const std::lock_guard lock{mutex_};
  if (!who->joining_ || !is_in(who))
    return; // it has left, and they were given back
  who->joining_ = false;
  who->behind_ = true;
  if (!who->begun_)
    begin(*who, all);
  auto missing = std::exchange(who->lent_, {});
  std::erase_if(missing, [&](std::int64_t seq) {
    return std::any_of(all.begin(), all.end(), [&](const letter& one) { return one.seq == seq; });
  });
  letters_->give_back(name_, missing);
  for (auto& one : all)
    who->letters_.push_back(std::move(one));
  hand_over(who);
  if (std::exchange(who->again_, false))
    nudge_locked();
}

void room::nudge() {
  const std::lock_guard lock{mutex_};
  nudge_locked();
}

void room::nudge_locked() {
  if (!letters_)
    return;
  for (const auto& one : members_) {
    if (!one->takes() || !letters_->waits(name_, one->which()))
      continue;
    if (one->joining_)
      one->again_ = true;
    else
      fetch(one);
  }
}

void room::proven(const std::weak_ptr<member>& weak, const std::vector<std::int64_t>& seqs) {
  const auto who = weak.lock();
  if (!who)
    return;
  const std::lock_guard lock{mutex_};
  std::vector<std::int64_t> read;
  for (const auto seq : seqs)
    if (who->unproven_.erase(seq) > 0) // not when it has left: then they wait again
      read.push_back(seq);
  if (!read.empty())
    letters_->forget(name_, read);
}

bool room::is_in(const member_ptr& who) const {
  return std::find(members_.begin(), members_.end(), who) != members_.end();
}

/// As much as it can take now, and the rest a little later: its outbox must not overflow of what
/// waited for it. Only what it has read is forgotten.
void room::hand_over(const member_ptr& who) {
  std::vector<std::int64_t> sent;
  std::vector<std::int64_t> passed_by;
  bool gone = false;
  while (!gone && who->waiting() < page && !(who->letters_.empty() && who->held_.empty())) {
    if (!who->letters_.empty()) {
      const auto became = who->hand(who->letters_.front());
      gone = became == took::gone;
      if (gone)
        break; // it and all behind it are given back when the member leaves
      if (became == took::yes)
        sent.push_back(who->letters_.front().seq);
      else if (became == took::never)
        passed_by.push_back(who->letters_.front().seq);
      who->letters_.pop_front();
      continue;
    }
    const auto one = std::move(who->held_.front());
    who->held_.pop_front();
    who->held_bytes_ -= one.what->size();
    if (!who->hear(*one.what))
      keep(*who, one);
    else if (speaks_to(one.from, who->which()))
      one.what->heard = true;
  }
  if (!passed_by.empty())
    letters_->give_back(name_, passed_by);
  if (!sent.empty()) {
    who->unproven_.insert(sent.begin(), sent.end());
    const bool will_tell
      = who->prove([self = weak_from_this(), weak = std::weak_ptr<member>{who}, sent] {
          if (const auto here = self.lock())
            here->proven(weak, sent);
        });
    if (!will_tell) {
      for (const auto seq : sent)
        who->unproven_.erase(seq);
      letters_->forget(name_, sent);
    }
  }
  if (who->letters_.empty() && who->held_.empty())
    who->behind_ = false;
  else if (!gone)
    hand_over_later(who);
}

void room::hand_over_later(const member_ptr& who) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(from_mailbox_, page_every);
  timer->async_wait([timer, weak_self = weak_from_this(),
                     weak = std::weak_ptr<member>{who}](boost::system::error_code ec) {
    const auto self = weak_self.lock();
    const auto still = weak.lock();
    if (ec || !self || !still)
      return;
    const std::lock_guard lock{self->mutex_};
    if (still->behind_ && self->is_in(still))
      self->hand_over(still);
  });
}

void room::keep(const member& who, const member::held& what) {
  if (!letters_ || !what.what->is_broadcast() || what.what->heard
      || !speaks_to(what.from, who.which()))
    return;
  for (const auto& one : members_)
    if (one.get() != &who && speaks_to(what.from, one->which()))
      for (const auto& each : one->held_)
        if (each.what == what.what)
          return;
  if (auto message = what.what->message())
    letters_->store(name_, what.from, std::move(*message), {});
}

void room::leave(const member_ptr& who) {
  const std::lock_guard lock{mutex_};
  const auto at = std::find(members_.begin(), members_.end(), who);
  if (at == members_.end())
    return;
  members_.erase(at);
  if (const auto gone = std::exchange(who->tracked_, nullptr))
    tell_presence(nullptr, gone.get());
  // Nobody heard what was kept for it alone; others heard it when it was said, and not again.
  who->joining_ = false;
  who->behind_ = false;
  who->held_bytes_ = 0;
  const auto held = std::exchange(who->held_, {});
  for (const auto& one : held)
    keep(*who, one);
  auto back = std::exchange(who->lent_, {});
  for (const auto& one : std::exchange(who->letters_, {}))
    back.push_back(one.seq);
  back.insert(back.end(), who->unproven_.begin(), who->unproven_.end());
  who->unproven_.clear();
  if (!back.empty())
    letters_->give_back(name_, back);
  if (!back.empty() || !held.empty())
    nudge_locked();
}

bool room::give(member& who, side from, const outgoing_ptr& what) {
  if (!who.joining_ && !who.behind_) {
    if (!who.hear(*what))
      return false;
    what->heard = what->heard || speaks_to(from, who.which());
    return true;
  }
  who.held_.push_back({what, from});
  who.held_bytes_ += what->size();
  if (who.held_bytes_ > most_held)
    who.too_slow();
  return true;
}

room::outcome room::say(const member* from, bool to_self, side which, const outgoing_ptr& what,
                        std::function<void(bool)> on_disk) {
  const std::lock_guard lock{mutex_};
  outcome out;
  bool heard = false;
  for (const auto& one : members_) {
    const bool own = one.get() == from;
    if (own && !to_self)
      continue;
    if (!give(*one, which, what))
      continue;
    ++out.delivered;
    heard = heard || (!own && speaks_to(which, one->which()));
  }
  if (heard || !letters_) {
    if (past_)
      past_->keep(name_, which, what, {}, now_milliseconds());
    return out;
  }
  auto message = what->message();
  if (!message)
    return out; // without an event nobody can be handed it later
  out.stored = true;
  if (past_) { // the letter and what may be replayed are one message
    if (message->id.empty())
      message->id = new_uuid();
    past_->keep(name_, which, what, message->id, now_milliseconds());
  }
  letters_->store(name_, which, std::move(*message),
                  [strand = from_mailbox_, call = std::move(on_disk)](bool good) mutable {
                    if (call)
                      boost::asio::post(strand, [call = std::move(call), good] { call(good); });
                  });
  return out;
}

bool room::track(const member_ptr& who, const std::string& key, std::string payload) {
  const std::lock_guard lock{mutex_};
  if (std::find(members_.begin(), members_.end(), who) == members_.end())
    return false;
  if (who->tracked_ && who->tracked_->payload == payload)
    return false;
  auto now = std::make_unique<tracked>();
  now->from = who->which();
  now->key = key;
  now->ref = new_ref();
  now->meta = meta_of(payload, now->ref, who->tracked_ ? who->tracked_->ref : std::string{});
  now->payload = std::move(payload);
  const auto before = std::exchange(who->tracked_, std::move(now));
  tell_presence(who->tracked_.get(), before.get());
  return true;
}

void room::untrack(const member_ptr& who) {
  const std::lock_guard lock{mutex_};
  if (const auto gone = std::exchange(who->tracked_, nullptr))
    tell_presence(nullptr, gone.get());
}

std::vector<const tracked*> room::all_tracked() const {
  std::vector<const tracked*> out;
  for (const auto& one : members_)
    if (one->tracked_)
      out.push_back(one->tracked_.get());
  return out;
}

void room::tell_presence(const tracked* joins, const tracked* leaves) {
  phoenix::frame diff;
  diff.topic = topic_;
  diff.event = "presence_diff";
  diff.payload = presence_diff(joins, leaves);
  const auto what = std::make_shared<outgoing>(std::move(diff));
  const auto all = all_tracked();
  for (const auto& one : members_) {
    if (!one->begun_)
      continue; // its presence_state will say it
    one->hear(*what);
    one->present(all);
  }
}

bool room::somebody_but(side which) const {
  const std::lock_guard lock{mutex_};
  return std::any_of(members_.begin(), members_.end(),
                     [&](const member_ptr& one) { return one->which() != which; });
}

std::size_t room::size() const {
  const std::lock_guard lock{mutex_};
  return members_.size();
}

} // namespace holt::broker
