// SPDX-License-Identifier: Apache-2.0
#include "broker/room.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace holt::broker {

room::room(boost::asio::io_context& io, std::string name, std::shared_ptr<mailbox> letters)
  : from_mailbox_{io.get_executor()},
    name_{std::move(name)},
    topic_{"realtime:" + name_},
    letters_{std::move(letters)} {}

void room::join(const member_ptr& who) {
  const std::lock_guard lock{mutex_};
  members_.push_back(who);
  if (!letters_ || !letters_->waits(name_, who->which())) {
    who->begin(presence_of(all_tracked()), {});
    who->present(all_tracked());
    return;
  }
  // What is said until the letters are here is kept for it, behind them.
  who->joining_ = true;
  letters_->read(name_, who->which(),
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
  if (!who->joining_ || std::find(members_.begin(), members_.end(), who) == members_.end())
    return;
  who->joining_ = false;
  who->begin(presence_of(all_tracked()), all);
  who->present(all_tracked());
  letters_->forget(name_, all);
  for (const auto& one : std::exchange(who->held_, {}))
    who->hear(*one);
}

void room::leave(const member_ptr& who) {
  const std::lock_guard lock{mutex_};
  const auto at = std::find(members_.begin(), members_.end(), who);
  if (at == members_.end())
    return;
  members_.erase(at);
  if (const auto gone = std::exchange(who->tracked_, nullptr))
    tell_presence(nullptr, gone.get());
  // Nobody heard what was kept for it alone.
  who->joining_ = false;
  for (const auto& one : std::exchange(who->held_, {})) {
    const auto from = speaks_to(side::agent, who->which()) ? side::agent : side::daemon;
    if (one->is_broadcast() && letters_)
      say_locked(who.get(), false, from, one, {});
  }
}

bool room::give(member& who, const outgoing_ptr& what) {
  if (!who.joining_)
    return who.hear(*what);
  who.held_.push_back(what);
  return true;
}

room::outcome room::say(const member* from, bool to_self, side which, const outgoing_ptr& what,
                        std::function<void(bool)> on_disk) {
  const std::lock_guard lock{mutex_};
  return say_locked(from, to_self, which, what, std::move(on_disk));
}

room::outcome room::say_locked(const member* from, bool to_self, side which,
                               const outgoing_ptr& what, std::function<void(bool)> on_disk) {
  outcome out;
  bool heard = false;
  for (const auto& one : members_) {
    const bool own = one.get() == from;
    if (own && !to_self)
      continue;
    if (!give(*one, what))
      continue;
    ++out.delivered;
    heard = heard || (!own && speaks_to(which, one->which()));
  }
  if (heard || !letters_)
    return out;
  auto message = what->message();
  if (!message)
    return out; // without an event nobody can be handed it later
  out.stored = true;
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
    if (one->joining_)
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
