// SPDX-License-Identifier: Apache-2.0
#include "broker/socket.hpp"

#include "messages/json_text.hpp"

#include <algorithm>

namespace holt::broker {

namespace {

constexpr std::string_view topic_prefix = "realtime:";
constexpr std::size_t max_frame = 5'000'000;  ///< bytes, as the real server's
constexpr std::chrono::seconds burst{5};      ///< of a limit that may come at once
constexpr std::size_t max_topic = 1'024;      ///< bytes
constexpr std::size_t max_meta = 16 * 1024;   ///< bytes; every member gets all of them
constexpr std::size_t max_presence_key = 255; ///< bytes

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
         });
}

} // namespace

socket::socket(std::shared_ptr<hub> whose, phoenix::version version, claims who)
  : hub_{std::move(whose)},
    version_{version},
    who_{std::move(who)},
    heard_{std::chrono::steady_clock::now()},
    messages_{hub_->how().messages_per_second, burst, heard_},
    joins_{hub_->how().joins_per_second, burst, heard_} {}

void socket::opened(http::ws_ptr ws) {
  {
    const std::lock_guard lock{mutex_};
    ws_ = std::move(ws);
  }
  hub_->came(shared_from_this());
}

void socket::message(std::string bytes, bool binary) {
  const std::lock_guard lock{mutex_};
  if (!ws_)
    return;
  heard_ = std::chrono::steady_clock::now();
  hub_->received.fetch_add(1, std::memory_order_relaxed);
  auto frame
    = binary ? phoenix::decode_client_binary(bytes) : phoenix::decode_text(version_, bytes);
  acknowledge_later_ = false;
  if (frame) // what is no frame is dropped, the connection stays
    take(std::move(*frame));
  if (!acknowledge_later_ && ws_)
    acknowledge();
}

void socket::take(phoenix::frame what) {
  if (what.topic == "phoenix") {
    if (what.event == "heartbeat")
      reply(what, true, "{}", false);
    return;
  }
  if (what.event == "phx_join") {
    join(what);
    return;
  }
  if (what.event == "phx_leave") {
    leave(what);
    return;
  }
  const auto found = channels_.find(what.topic);
  if (found == channels_.end()) {
    reply(what, false, reason("unmatched topic"), false);
    return;
  }
  const auto where = found->second;
  if (!messages_.take(heard_)) {
    shut(where, "Too many messages per second");
    return;
  }
  if (what.event == "broadcast")
    broadcast(where, std::move(what));
  else if (what.event == "presence")
    presence(where, what);
  else if (what.event == "access_token")
    access_token(where, what);
  // An unknown event is ignored.
}

// -- join and leave

void socket::refuse(const phoenix::frame& join, std::string_view why) {
  reply(join, false, reason(why));
}

void socket::join(const phoenix::frame& what) {
  const std::string_view topic = what.topic;
  if (!topic.starts_with(topic_prefix) || topic.size() > max_topic) {
    reply(what, false, reason("unmatched topic"), false);
    return;
  }
  const std::string name{topic.substr(topic_prefix.size())};
  if (name.empty()) {
    refuse(what, "TopicNameRequired: You must provide a topic name");
    return;
  }
  if (!joins_.take(heard_)) {
    // The real server closes with 1001 here, after which clients of version 2.30 stay away for
    // good.
    refuse(what, "ClientJoinRateLimitReached: Too many joins per second");
    ws_->close(1012, "too many joins");
    return;
  }
  const auto found = channels_.find(topic);
  if (found == channels_.end() && channels_.size() >= hub_->how().channels_per_socket) {
    refuse(what, "ChannelRateLimitReached: Too many channels");
    return;
  }
  channel_setup how;
  how.config = read_join(what.binary ? std::string_view{} : std::string_view{what.payload});
  if (how.config.wrong_replay || (how.config.replay && !how.config.is_private)) {
    refuse(what, how.config.wrong_replay
                   ? "UnableToReplayMessages: Replay params are not valid"
                   : "UnableToReplayMessages: Replay is not allowed for public channels");
    return;
  }
  auto token = who_;
  if (how.config.token) {
    auto got = hub_->keys().read(*how.config.token);
    if (!got) {
      refuse(what, got.error().detail);
      return;
    }
    token = std::move(*got);
  }
  if (const auto why = token.expired(now_seconds())) {
    refuse(what, "InvalidJWTToken: " + *why);
    return;
  }
  if (!token.may_enter(name)) {
    refuse(what,
           "Unauthorized: You do not have permissions to read from this Channel topic: " + name);
    return;
  }
  if (found != channels_.end()) {
    // A client of version 1 cannot tell this close from one of its new channel, and would be deaf.
    if (version_ == phoenix::version::v2)
      found->second->closed();
    drop(found->second);
  }
  how.ws = ws_;
  how.version = version_;
  how.topic = what.topic;
  how.join_ref = what.join_ref ? what.join_ref : what.ref;
  how.ref = what.ref;
  how.mimic_kind4 = hub_->how().mimic_kind4;
  how.presence_calls = hub_->how().presence_calls;
  how.slow = &hub_->slow;
  if (how.config.presence_key.empty() || how.config.presence_key.size() > max_presence_key)
    how.config.presence_key = new_uuid();
  const bool is_private = how.config.is_private;
  const auto token_text = how.config.token.value_or("");
  const auto which = is_sandbox(name) ? token.which() : side::unknown;
  const auto now = std::make_shared<channel>(std::move(how), which);
  now->token = std::move(token);
  now->token_text = token_text;
  now->in = hub_->join(name, is_private, now);
  if (!now->in) {
    refuse(what, "ConnectionRateLimitReached: Too many connected users");
    return;
  }
  channels_[what.topic] = now;
}

void socket::leave(const phoenix::frame& what) {
  reply(what, true, "{}");
  const auto found = channels_.find(what.topic);
  if (found == channels_.end())
    return;
  found->second->closed();
  drop(found->second);
}

void socket::drop(const channel_ptr& where) {
  const auto kept = where;
  channels_.erase(kept->how().topic);
  if (const auto from = std::exchange(kept->in, nullptr))
    hub_->leave(from, kept);
}

void socket::shut(const channel_ptr& where, std::string_view why) {
  where->system("system", false, why);
  where->closed();
  drop(where);
}

// -- in a channel

void socket::broadcast(channel_ptr where, phoenix::frame what) {
  const auto& config = where->how().config;
  const auto ref = std::exchange(what.ref, std::nullopt);
  if (what.payload.size() > hub_->how().max_payload) {
    if (config.ack)
      where->reply(ref, false,
                   R"({"error":"payload_size_exceeded","reason":"payload_size_exceeded"})");
    return;
  }
  if (what.binary && !what.user_event)
    return; // a push of Phoenix's own binary kind has no event of a user
  what.metadata.clear();
  const auto message = std::make_shared<outgoing>(std::move(what));
  const bool ack = config.ack;
  std::function<void(bool)> on_disk;
  on_disk = [weak = weak_from_this(), where, ref, ack](bool good) {
    if (const auto self = weak.lock()) {
      const std::lock_guard lock{self->mutex_};
      if (!self->ws_)
        return;
      if (ack)
        where->reply(ref, good, good ? "{}" : R"({"reason":"the mailbox cannot be written"})");
      self->acknowledge();
    }
  };
  const auto became
    = where->in->say(where.get(), config.self, where->which(), message, std::move(on_disk));
  hub_->count(became);
  if (became.stored)
    acknowledge_later_ = true;
  else if (ack)
    where->reply(ref, true, "{}");
}

void socket::presence(const channel_ptr& where, const phoenix::frame& what) {
  const auto event = json_text::member(what.payload, "event");
  const auto word = event ? json_text::unquote(*event) : std::nullopt;
  if (what.binary || !word) {
    where->reply(what.ref, false, "{}");
    return;
  }
  if (!where->calls.take(heard_)) {
    shut(where, "Client presence rate limit exceeded");
    return;
  }
  if (same_word(*word, "untrack")) {
    where->in->untrack(where);
    where->reply(what.ref, true, "{}");
    return;
  }
  if (!same_word(*word, "track")) {
    where->reply(what.ref, false, "{}");
    return;
  }
  const auto payload = json_text::member(what.payload, "payload");
  if (payload && !json_text::is_object(*payload)) {
    where->reply(what.ref, false, reason("Presence track payload must be a map"));
    return;
  }
  if (payload && payload->size() > max_meta) {
    shut(where, "Track message size exceeded");
    return;
  }
  where->in->track(where, where->how().config.presence_key,
                   payload ? std::string{*payload} : std::string{"{}"});
  where->reply(what.ref, true, "{}");
}

void socket::access_token(const channel_ptr& where, const phoenix::frame& what) {
  bool given = false;
  const auto token
    = read_token(what.binary ? std::string_view{} : std::string_view{what.payload}, &given);
  if (!token) {
    // Null and `sb_…` are nothing new; an empty one is wrong.
    if (given && json_text::member(what.payload, "access_token") == R"("")")
      shut(where, "Token claims must be a map with `role` and `exp`");
    return;
  }
  if (*token == where->token_text)
    return;
  auto got = hub_->keys().read(*token);
  if (!got) {
    const auto& why = got.error().detail;
    const auto at = why.find(": ");
    shut(where, at == why.npos ? why : why.substr(at + 2));
    return;
  }
  if (!got->may_enter(where->in->name())) {
    shut(where,
         "You no longer have permission to read from this Channel topic: " + where->in->name());
    return;
  }
  where->token = std::move(*got);
  where->token_text = *token;
}

// -- the rest

void socket::reply(const phoenix::frame& to, bool good, std::string_view response,
                   bool with_join_ref) {
  phoenix::frame out;
  if (with_join_ref)
    out.join_ref = to.join_ref;
  out.ref = to.ref;
  out.topic = to.topic;
  out.event = "phx_reply";
  out.payload = reply_payload(good, response);
  ws_->send_text(share(phoenix::encode_server_text(version_, out)));
}

void socket::tick(std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock{mutex_};
  if (!ws_)
    return;
  // Never 1000 or 1001: clients of version 2.30 stay away for good after those.
  if (now - heard_ > hub_->how().idle_timeout) {
    ws_->close(1012, "nothing was heard for too long");
    return;
  }
  const auto seconds = now_seconds();
  std::vector<std::pair<channel_ptr, std::string>> late;
  for (const auto& [topic, one] : channels_)
    if (auto why = one->token.expired(seconds))
      late.emplace_back(one, std::move(*why));
  for (const auto& [one, why] : late)
    shut(one, why);
}

void socket::close(std::uint16_t code, std::string why) {
  const std::lock_guard lock{mutex_};
  if (ws_)
    ws_->close(code, std::move(why));
}

void socket::ended() {
  std::map<std::string, channel_ptr, std::less<>> all;
  {
    const std::lock_guard lock{mutex_};
    all.swap(channels_);
    ws_.reset();
  }
  for (const auto& [topic, one] : all)
    if (const auto from = std::exchange(one->in, nullptr))
      hub_->leave(from, one);
  hub_->gone(shared_from_this());
}

void socket::open(const std::shared_ptr<hub>& whose, const http::upgrade_ptr& what) {
  const auto& head = what->head();
  const auto refuse = [&](unsigned status, std::string_view why) {
    http::response out;
    out.status = status;
    out.headers = {{"Access-Control-Allow-Origin", "*"}};
    if (!why.empty()) {
      out.headers.push_back({"Content-Type", "application/json"});
      out.body = share(R"({"error":)" + json_text::quoted(why) + "}");
    }
    what->refuse(std::move(out));
  };
  const auto version = phoenix::version_from(head.query_value("vsn"));
  if (!version) {
    refuse(403, "");
    return;
  }
  std::string token{head.header_value("x-api-key")};
  if (token.empty())
    token = head.query_value("apikey").value_or("");
  const auto who = whose->keys().read(token);
  if (!who) {
    const auto& why = who.error().detail;
    const auto at = why.find(": ");
    refuse(401, at == why.npos ? why : why.substr(at + 2));
    return;
  }
  std::vector<http::header> headers;
  if (const auto offered = head.header_value("Sec-WebSocket-Protocol");
      offered.starts_with("phoenix"))
    headers.push_back({"Sec-WebSocket-Protocol", "phoenix"});
  http::ws_limits limits;
  limits.max_message_bytes = max_frame;
  limits.outbox_bytes = whose->how().outbox_bytes;
  const auto self = std::make_shared<socket>(whose, *version, *who);
  http::ws_handlers handlers;
  handlers.on_message
    = [self](std::string bytes, bool binary) { self->message(std::move(bytes), binary); };
  handlers.on_close = [self](const http::close_reason&) { self->ended(); };
  what->accept(
    limits, std::move(handlers), [self](http::ws_ptr ws) { self->opened(std::move(ws)); },
    std::move(headers));
}

} // namespace holt::broker
