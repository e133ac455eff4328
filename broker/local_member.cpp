// SPDX-License-Identifier: Apache-2.0

// The daemon as a member of its own broker: a port like that of a Realtime channel, without a
// socket and without parsing. What it hears is queued under the room's lock and handed up by one
// posted handler, so that nobody above is ever called from within a broadcast, and in order. A
// letter stays in the mailbox until it was dealt with; what was heard live and comes back goes
// there, to its place in the order. From then on this member takes nothing: whoever stands above
// has ended, and joins anew.

#include "broker/hub.hpp"
#include "messages/json_text.hpp"

#include <boost/asio/post.hpp>

#include <deque>
#include <optional>
#include <variant>

namespace holt::broker {

namespace {

using presences = std::vector<link::link_presence>;

class local_member final : public member,
                           public link::link_source,
                           public std::enable_shared_from_this<local_member> {
public:
  local_member(std::shared_ptr<hub> whose, std::string session, link::link_events events)
    : member{side::daemon},
      hub_{std::move(whose)},
      session_{std::move(session)},
      events_{std::move(events)},
      since_{now_seconds()} {}

  void enter() {
    auto in = hub_->join(name(), true, shared_from_this(), false);
    const std::lock_guard lock{mutex_};
    room_ = std::move(in);
  }

  // -- member, under the room's lock
  void begin(const std::string&) override { push(link::link_limits{hub_->how().max_payload, 0}); }

  took hand(const letter& what) override {
    if (what.message.binary)
      return took::never;
    const auto& m = what.message;
    return push(link::link_message{m.event, m.payload, m.id, true, what.seq, what.returned, {}})
             ? took::own
             : took::gone;
  }

  bool takes() const override {
    const std::lock_guard lock{mutex_};
    return !closed_;
  }

  bool hear(outgoing& what) override {
    if (what.binary() || !what.is_broadcast())
      return false;
    auto message = what.message();
    if (!message)
      return false;
    return push(link::link_message{std::move(message->event),
                                   std::move(message->payload),
                                   std::move(message->id),
                                   message->replayed,
                                   hub_->reserve(),
                                   0,
                                   {}});
  }

  void present(const std::vector<const tracked*>& all) override {
    presences out;
    for (const auto* one : all) // an agent may call itself what it likes
      if (one->from != side::agent && json_text::member(one->meta, "role") == R"("sandbox")")
        out.push_back({one->key, nlohmann::json::parse(one->meta, nullptr, false)});
    if (out.empty() && !any_present_)
      return; // agents come and go: nothing about daemons
    any_present_ = !out.empty();
    push(std::move(out));
  }

  // -- link_port
  bool send(const std::string& event, std::shared_ptr<const std::string> payload) {
    const auto in = entered();
    if (!in || !payload || payload->size() > hub_->how().max_payload
        || hub_->mailbox_unwritten() > hub_->how().mailbox_bytes)
      return false;
    phoenix::frame frame;
    frame.topic = in->topic();
    frame.event = "broadcast";
    frame.user_event = event;
    frame.payload = *payload;
    const auto self = static_cast<const member*>(this);
    hub_->count(
      in->say(self, false, side::daemon, std::make_shared<outgoing>(std::move(frame)), {}));
    return true;
  }

  void set_presence(nlohmann::json meta) {
    const auto in = entered();
    if (!in || !meta.is_object())
      return;
    const auto id = meta.find("id");
    const auto key = id != meta.end() && id->is_string() ? id->get<std::string>() : session_;
    in->track(shared_from_this(), key,
              meta.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  bool somebody_listens() const {
    const auto in = entered();
    return in && in->somebody_but(side::daemon);
  }

  nlohmann::json status() const {
    const bool up = entered() != nullptr;
    return {{"state", up ? "joined" : "closed"},
            {"url", "local"},
            {"session", session_},
            {"since", up ? nlohmann::json(since_) : nlohmann::json()},
            {"lastError", nullptr}};
  }

  // -- link_source

  void settled(const link::link_message& what) override {
    if (what.replayed)
      hub_->settled(name(), what.place);
  }

  void take_back(link::link_message what) override {
    auto all = shut();
    all.push_front(std::move(what));
    put_back(all);
  }

  void close() {
    room_ptr from;
    {
      const std::lock_guard lock{mutex_};
      from = std::exchange(room_, nullptr);
    }
    if (from) // first: what is heard up to here must not be lost
      hub_->leave(from, shared_from_this());
    auto rest = shut();
    put_back(rest);
  }

private:
  using item = std::variant<link::link_limits, link::link_message, presences>;

  room_ptr entered() const {
    const std::lock_guard lock{mutex_};
    return room_;
  }

  bool push(item what) {
    const std::lock_guard lock{mutex_};
    if (closed_)
      return false;
    inbox_.push_back(std::move(what));
    if (!std::exchange(posted_, true))
      boost::asio::post(hub_->io(), [self = shared_from_this()] { self->hand_up(); });
    return true;
  }

  /// One at a time: what is not in hand can be taken back at any moment.
  void hand_up() {
    while (true) {
      std::optional<item> one;
      {
        const std::lock_guard lock{mutex_};
        if (inbox_.empty()) {
          posted_ = false;
          return;
        }
        one = std::move(inbox_.front());
        inbox_.pop_front();
      }
      std::visit([this](auto& what) { tell(what); }, *one);
    }
  }

  /// Nothing is taken from now on; what was not handed up yet.
  std::deque<item> shut() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    return std::exchange(inbox_, {});
  }

  /// Waits for the next life of the daemon, at its place.
  void put_back(std::deque<item>& rest) {
    std::vector<letter> all;
    for (auto& one : rest)
      if (auto* heard = std::get_if<link::link_message>(&one))
        all.push_back({heard->place,
                       side::agent,
                       {std::move(heard->event), std::move(heard->payload), false,
                        std::move(heard->message_id), true},
                       heard->returned});
    if (!all.empty())
      hub_->take_back(name(), std::move(all));
  }

  std::string name() const { return "sandbox:" + session_; }

  void tell(link::link_limits& what) {
    if (events_.on_up)
      events_.on_up(what);
  }
  void tell(link::link_message& what) {
    what.source = shared_from_this();
    if (events_.on_message)
      events_.on_message(std::move(what));
    else
      settled(what);
  }
  void tell(presences& what) {
    if (events_.on_presence)
      events_.on_presence(std::move(what));
  }

  const std::shared_ptr<hub> hub_;
  const std::string session_;
  const link::link_events events_;
  const std::int64_t since_;
  bool any_present_ = false; ///< under the room's lock

  mutable std::mutex mutex_; ///< guards the rest; inside the room's lock
  room_ptr room_;
  std::deque<item> inbox_;
  bool posted_ = false;
  bool closed_ = false; ///< takes nothing any more
};

/// What the owner holds: a port that is let go of is closed.
class local_port final : public link::link_port {
public:
  explicit local_port(std::shared_ptr<local_member> whose) : whose_{std::move(whose)} {}
  ~local_port() override { whose_->close(); }
  bool send(const std::string& event, std::shared_ptr<const std::string> payload) override {
    return whose_->send(event, std::move(payload));
  }
  void set_presence(nlohmann::json meta) override { whose_->set_presence(std::move(meta)); }
  bool somebody_listens() const override { return whose_->somebody_listens(); }
  nlohmann::json status() const override { return whose_->status(); }
  void close() override { whose_->close(); }

private:
  const std::shared_ptr<local_member> whose_;
};

} // namespace

link::link_port_ptr make_local_member(const std::shared_ptr<hub>& whose, const std::string& session,
                                      link::link_events events) {
  auto out = std::make_shared<local_member>(whose, session, std::move(events));
  out->enter();
  return std::make_shared<local_port>(std::move(out));
}

} // namespace holt::broker
