// SPDX-License-Identifier: Apache-2.0
#include "broker/hub.hpp"

#include "broker/socket.hpp"

#include <boost/asio/post.hpp>

namespace holt::broker {

namespace {

constexpr auto tick_every = std::chrono::seconds{1};
constexpr auto close_limit = std::chrono::seconds{1};
constexpr auto key_life = std::chrono::hours{24 * 3650};

} // namespace

struct hub::closing {
  explicit closing(boost::asio::io_context& io) : limit{io} {}
  boost::asio::steady_timer limit;
  std::vector<std::function<void()>> done;
};

result<std::shared_ptr<broker>> broker::make(boost::asio::io_context& io, broker_options how) {
  mailbox_options boxes{how.mailbox_file, how.mailbox_messages, how.mailbox_bytes, how.mailbox_age};
  auto letters = mailbox::open(std::move(boxes));
  if (!letters)
    return letters.error();
  auto out = std::make_shared<hub>(io, std::move(how), std::move(*letters));
  out->begin();
  return std::shared_ptr<broker>{std::move(out)};
}

hub::hub(boost::asio::io_context& io, broker_options how, std::shared_ptr<mailbox> letters)
  : io_{io},
    how_{std::move(how)},
    keys_{how_.jwt_secret, how_.any_key},
    letters_{std::move(letters)},
    clock_{io} {}

void hub::begin() {
  clock_.expires_after(tick_every);
  clock_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self)
      return;
    self->tick();
    self->begin();
  });
}

void hub::tick() {
  std::vector<std::shared_ptr<socket>> all;
  {
    const std::lock_guard lock{mutex_};
    all.assign(sockets_.begin(), sockets_.end());
  }
  const auto now = std::chrono::steady_clock::now();
  for (const auto& one : all)
    one->tick(now);
  past_->sweep(now_milliseconds());
}

// -- rooms

std::string hub::key_of(const std::string& name, bool is_private) {
  // Public and private joins of a sandbox are one room; of other names they are two.
  return (is_private && !is_sandbox(name) ? "private:" : "public:") + name;
}

room_ptr hub::room_of_locked(const std::string& name, bool is_private) {
  const auto key = key_of(name, is_private);
  auto& out = rooms_[key];
  if (!out) {
    const bool sandbox = is_sandbox(name);
    out = std::make_shared<room>(io_, name, sandbox ? letters_ : nullptr,
                                 sandbox || is_private ? past_ : nullptr);
    keys_of_rooms_[out.get()] = key;
  }
  return out;
}

void hub::prune_locked(const room_ptr& what) {
  if (what->size() > 0)
    return;
  const auto found = keys_of_rooms_.find(what.get());
  if (found == keys_of_rooms_.end())
    return;
  rooms_.erase(found->second);
  keys_of_rooms_.erase(found);
}

room_ptr hub::join(const std::string& name, bool is_private, const member_ptr& who, bool bounded) {
  const std::lock_guard lock{mutex_};
  if (bounded && members_ >= how_.max_members)
    return nullptr;
  ++members_;
  auto out = room_of_locked(name, is_private);
  out->join(who);
  return out;
}

void hub::leave(const room_ptr& from, const member_ptr& who) {
  const std::lock_guard lock{mutex_};
  from->leave(who);
  --members_;
  prune_locked(from);
}

room::outcome hub::say(const std::string& name, bool is_private, side which,
                       const outgoing_ptr& what, std::function<void(bool)> on_disk) {
  const std::lock_guard lock{mutex_};
  const auto into = room_of_locked(name, is_private);
  const auto out = into->say(nullptr, false, which, what, std::move(on_disk));
  prune_locked(into);
  count(out);
  return out;
}

void hub::take_back(const std::string& name, std::vector<letter> what) {
  for (auto& one : what)
    letters_->put_back(name, std::move(one));
  room_ptr there;
  {
    const std::lock_guard lock{mutex_};
    if (const auto found = rooms_.find(key_of(name, true)); found != rooms_.end())
      there = found->second;
  }
  if (there) // a later life may have joined, and read, before this came back
    there->nudge();
}

// -- broker

void hub::handle_upgrade(http::upgrade_ptr what) {
  {
    const std::lock_guard lock{mutex_};
    if (closing_) {
      what->refuse(http::problem({errc::shutting_down, {}}));
      return;
    }
  }
  socket::open(shared_from_this(), what);
}

void hub::came(const std::shared_ptr<socket>& who) {
  bool late = false;
  {
    const std::lock_guard lock{mutex_};
    sockets_.insert(who);
    late = closing_ != nullptr;
  }
  if (late)
    who->close(1012, "the broker restarts");
}

void hub::gone(const std::shared_ptr<socket>& who) {
  std::vector<std::function<void()>> done;
  {
    const std::lock_guard lock{mutex_};
    sockets_.erase(who);
    if (closing_ && sockets_.empty()) {
      closing_->limit.cancel();
      done.swap(closing_->done);
    }
  }
  for (const auto& call : done)
    call();
}

void hub::handle(http::request what, http::reply answer) {
  answer_http(shared_from_this(), std::move(what), std::move(answer));
}

/// A WebSocket brings its key in the query, where nothing else may stand for it.
bool hub::knows(const http::request& head) const {
  std::string key{holt::broker::key_of(head)};
  if (key.empty())
    key = head.header_value("x-api-key");
  if (key.empty())
    key = head.query_value("apikey").value_or("");
  const auto who = keys_.read(key);
  return who && !who->expired(now_seconds());
}

link::link_port_ptr hub::join_local(const std::string& session, link::link_events events) {
  return make_local_member(shared_from_this(), session, std::move(events));
}

std::string hub::agent_key(const std::string& session) const {
  return keys_.make("agent", session, key_life);
}

std::string hub::daemon_key() const {
  return keys_.make("daemon", {}, key_life);
}

std::string hub::app_key() const {
  return keys_.make("app", {}, key_life);
}

void hub::open() {
  std::shared_ptr<closing> ended;
  {
    const std::lock_guard lock{mutex_};
    ended.swap(closing_);
  }
  if (!ended)
    return;
  // Whoever still waits for the end of the old sockets is not left waiting.
  boost::asio::post(io_, [ended] {
    ended->limit.cancel();
    for (const auto& call : std::exchange(ended->done, {}))
      call();
  });
}

void hub::close_all(std::function<void()> done) {
  std::vector<std::shared_ptr<socket>> all;
  {
    const std::lock_guard lock{mutex_};
    if (!closing_)
      closing_ = std::make_shared<closing>(io_);
    all.assign(sockets_.begin(), sockets_.end());
    if (done)
      closing_->done.push_back(std::move(done));
    closing_->limit.expires_after(all.empty() ? std::chrono::seconds{0} : close_limit);
    closing_->limit.async_wait(
      [weak = weak_from_this(), end = closing_](boost::system::error_code) {
        const auto self = weak.lock();
        if (!self)
          return;
        std::vector<std::function<void()>> calls;
        {
          const std::lock_guard inner{self->mutex_};
          calls.swap(end->done);
        }
        for (const auto& call : calls)
          call();
      });
  }
  for (const auto& one : all)
    one->close(1012, "the broker restarts");
}

broker_stats hub::stats() const {
  broker_stats out;
  {
    const std::lock_guard lock{mutex_};
    out.sockets = sockets_.size();
    out.members = members_;
    out.topics = rooms_.size();
  }
  out.received = received.load();
  out.delivered = delivered.load();
  out.slow_closed = slow.load();
  out.mailbox_stored = stored.load();
  return out;
}

} // namespace holt::broker
