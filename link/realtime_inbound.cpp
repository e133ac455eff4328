// SPDX-License-Identifier: Apache-2.0

// What the server says to the machine. Anything may come; what is not understood or is about an
// older join is counted and dropped.

#include "link/realtime_stepper.hpp"
#include "transport/json_guard.hpp"

namespace holt::link::realtime {

namespace {

/// A presence state of a large project is one message.
constexpr http::json_limits frame_limits{64, 500'000};

nlohmann::json parsed(const std::string& text) {
  auto out = http::parse_json(text, frame_limits);
  return out ? std::move(*out) : nlohmann::json{};
}

std::string text_of(const nlohmann::json& of, const char* name) {
  if (!of.is_object())
    return {};
  const auto it = of.find(name);
  return it != of.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

/// What an error reply says: `{"reason"}`, `{"error"}`, or a bare string (the server's source and
/// its documentation disagree).
std::string reason_of(const nlohmann::json& reply) {
  if (!reply.is_object() || !reply.contains("response"))
    return {};
  const auto& response = reply["response"];
  if (response.is_string())
    return response.get<std::string>();
  const auto reason = text_of(response, "reason");
  return reason.empty() ? text_of(response, "error") : reason;
}

} // namespace

void stepper::on(const received& what) {
  if (what.serial != s.serial || s.socket != socket_state::open)
    return;
  s.heard = t.wall;
  s.heard_at = t.now;
  if (s.channel == channel_state::joined)
    s.heard_joined = t.wall;
  // A text that starts like an object is version 1.0.0, whatever was agreed.
  const auto first = what.bytes.find_first_not_of(" \t\r\n");
  const bool object = first != std::string::npos && what.bytes[first] == '{';
  const auto decoded
    = what.binary
        ? phoenix::decode_server_binary(what.bytes)
        : phoenix::decode_text(object ? phoenix::version::v1 : phoenix::version::v2, what.bytes);
  if (decoded)
    frame(*decoded);
  else
    ++s.dropped;
}

void stepper::frame(const phoenix::frame& what) {
  if (what.topic == "phoenix") {
    if (what.event == "phx_reply" && what.ref && *what.ref == s.beat_ref && !s.beat_ref.empty()) {
      s.beat_ref.clear();
      s.due.beat_reply.reset();
    } else {
      ++s.dropped;
    }
    return;
  }
  const bool stale = what.join_ref && (s.join_ref.empty() || *what.join_ref != s.join_ref);
  if (what.topic != p.topic || s.join_ref.empty() || stale) {
    ++s.dropped;
    return;
  }
  if (what.event == "phx_reply") {
    reply(what);
  } else if (what.event == "phx_close" || what.event == "phx_error") {
    // 1.0.0 has no join_ref here; its ref is that of the join.
    if (!what.join_ref && what.ref && *what.ref != s.join_ref)
      ++s.dropped;
    else
      gone(what.event == "phx_error");
  } else if (what.event == "system") {
    system(what);
  } else if (s.channel != channel_state::joined) {
    ++s.dropped; // nothing else comes before the answer to the join
  } else if (what.event == "broadcast") {
    broadcast(what);
  } else if (what.event == "presence_state" || what.event == "presence_diff") {
    const auto json = parsed(what.payload);
    const bool changed
      = what.event == "presence_state" ? s.presence.take_state(json) : s.presence.take_diff(json);
    if (changed)
      out.push_back(presence{s.presence.sandboxes()});
  } else {
    ++s.dropped;
  }
}

void stepper::reply(const phoenix::frame& what) {
  const auto json = parsed(what.payload);
  const bool ok = text_of(json, "status") == "ok";
  if (!what.ref) {
    ++s.dropped;
    return;
  }
  if (*what.ref == s.join_ref) {
    if (s.channel != channel_state::joining)
      ++s.dropped;
    else if (ok)
      joined();
    else
      join_refused(reason_of(json));
    return;
  }
  if (s.channel == channel_state::leaving) {
    // The last number is that of phx_leave.
    if (*what.ref == std::to_string(s.next_ref - 1))
      finish();
    return;
  }
  if (*what.ref == s.watched_ref)
    s.watched_ref.clear();
  if (!ok)
    push_refused(what, reason_of(json));
}

void stepper::join_refused(std::string_view reason) {
  const auto why = judge_join(reason);
  s.system.emplace(why); // the socket may be closed next, for the same reason
  s.system_at = t.now;
  lose_channel(why);
}

void stepper::push_refused(const phoenix::frame& what, std::string_view reason) {
  if (s.channel == channel_state::joined && reason == "unmatched topic") {
    // The server has forgotten us; nothing else would tell.
    lose_channel({failure::retry, {errc::io, "Realtime does not know the channel any more."}});
    return;
  }
  const bool presence_push = what.ref && *what.ref == s.track_ref;
  say(true, presence_push ? "presence_refused" : "broadcast_refused", shown(reason));
}

/// phx_close or phx_error that nobody asked for.
void stepper::gone(bool crashed) {
  if (s.channel == channel_state::leaving) {
    finish();
    return;
  }
  if (s.channel != channel_state::joined && s.channel != channel_state::joining) {
    ++s.dropped;
    return;
  }
  if (s.system && t.now - s.system_at < milliseconds{10'000}) {
    const auto why = *s.system;
    lose_channel(why);
    return;
  }
  lose_channel({failure::retry,
                {errc::io, crashed ? "The channel crashed on Realtime's side."
                                   : "Realtime closed the channel without a word."}});
}

void stepper::system(const phoenix::frame& what) {
  const auto json = parsed(what.payload);
  const auto message = text_of(json, "message");
  const bool bad = text_of(json, "status") == "error";
  if (bad && text_of(json, "extension") == "system") {
    s.system = judge_system(message);
    s.system_at = t.now;
  }
  say(bad, "system", shown(message));
}

void stepper::broadcast(const phoenix::frame& what) {
  auto user = phoenix::user_message_of(what);
  if (!user || user->binary) { // a binary payload is no message of ours
    ++s.dropped;
    return;
  }
  link_message heard;
  heard.event = std::move(user->event);
  heard.payload = std::move(user->payload);
  heard.message_id = std::move(user->id);
  heard.replayed = user->replayed;
  out.push_back(deliver{std::move(heard)});
}

} // namespace holt::link::realtime
