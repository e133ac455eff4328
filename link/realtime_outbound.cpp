// SPDX-License-Identifier: Apache-2.0

// What the machine says to the server: join, heartbeat, presence, broadcasts at the allowed pace.

#include "link/realtime_stepper.hpp"
#include "transport/json_guard.hpp"

#include <algorithm>

namespace holt::link::realtime {

namespace {

/// One broadcast as text: accepted by every client and server, of both versions.
std::string wrapped(const waiting_push& what) {
  return "{\"type\":\"broadcast\",\"event\":" + http::dump_safe(what.event)
         + ",\"payload\":" + *what.payload + "}";
}

} // namespace

void stepper::push(const std::string& number, std::string name, std::string payload) {
  phoenix::frame f;
  f.join_ref = s.join_ref;
  f.ref = number;
  f.topic = p.topic;
  f.event = std::move(name);
  f.payload = std::move(payload);
  out.push_back(to_socket{phoenix::encode_client_text(p.version, f)});
}

void stepper::start_join() {
  if (s.socket != socket_state::open || s.channel == channel_state::joining
      || s.channel == channel_state::joined || s.channel == channel_state::leaving)
    return;
  s.due.rejoin.reset();
  if (p.fetches_token && !s.token_fresh) {
    s.join_wanted = true;
    ask_token();
    return;
  }
  s.not_before.reset();
  s.join_wanted = false;
  s.token_fresh = false;
  s.system.reset();
  s.presence.reset();
  s.track_ref.clear();
  s.watched_ref.clear();
  s.silence_told = false;
  s.channel = channel_state::joining;
  s.join_ref = ref();
  s.due.join = in(p.join);
  // Made here and now, never kept: a rejoin must not carry an old token.
  nlohmann::json config{
    {"broadcast", {{"ack", true}, {"self", false}}},
    {"presence", {{"enabled", true}, {"key", p.presence_key}}},
    {"postgres_changes", nlohmann::json::array()},
    {"private", p.private_channel},
  };
  nlohmann::json payload{{"config", std::move(config)}};
  // The server ignores keys of the new form here; the one in the URL counts.
  if (!s.token.empty() && !s.token.starts_with("sb_"))
    payload["access_token"] = s.token;
  push(s.join_ref, "phx_join", http::dump_safe(payload));
}

void stepper::joined() {
  s.channel = channel_state::joined;
  ++s.joins;
  s.due.join.reset();
  s.joined_at = t.now;
  s.heard_joined = t.wall;
  s.join_timeouts = s.kicked = s.expired = 0;
  s.last_error.reset();
  s.told.reset();
  s.bucket = std::max(1u, p.limits.messages_per_second);
  s.bucket_at = t.now;
  s.tracked_at.reset();
  plan_refresh();
  s.track_needed = !s.meta.is_null();
  track();
  out.push_back(up{});
}

/// The socket is good, the channel is not.
void stepper::lose_channel(const verdict& why) {
  if (s.channel == channel_state::leaving) {
    finish();
    return;
  }
  const bool up_before = s.channel == channel_state::joined;
  if (up_before && t.now - s.joined_at >= p.stable)
    s.rejoins = s.reconnects = 0;
  s.channel = channel_state::errored;
  s.join_ref.clear(); // answers to it are stale from here on
  s.join_wanted = false;
  s.token_fresh = false;
  s.due.join.reset();
  s.due.track.reset();
  s.due.refresh.reset();
  auto kind = why.kind;
  auto told = why.why;
  if (kind == failure::expired) {
    const bool again = s.expired++ > 0;
    if (!p.fetches_token) {
      kind = failure::fatal;
      told.detail += " Set link.token_command, or another link.key.";
    } else if (again) {
      kind = failure::fatal;
      told.detail += " link.token_command prints tokens that have expired.";
    } else {
      kind = failure::retry;
    }
  }
  auto wait = p.rejoin[std::min<std::size_t>(s.rejoins++, p.rejoin.size() - 1)];
  if (kind == failure::fatal || kind == failure::rate) {
    wait = kind == failure::rate ? p.rate_wait : p.fatal_wait;
    told.detail += " The next attempt is in "
                   + std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) + " s.";
    wait += up_to(wait / 6);
    s.not_before = in(wait);
  }
  s.due.rejoin = in(wait);
  if (up_before)
    was_joined(told);
  else
    note(told);
}

void stepper::beat(milliseconds budget) {
  phoenix::frame f;
  s.beat_ref = ref();
  f.ref = s.beat_ref;
  f.topic = "phoenix";
  f.event = "heartbeat";
  s.beat_sent = t.now;
  s.beat_extended = false;
  s.due.beat = in(p.beat);
  s.due.beat_reply = in(budget);
  out.push_back(to_socket{phoenix::encode_client_text(p.version, f)});
}

void stepper::track() {
  if (!s.track_needed || s.channel != channel_state::joined)
    return;
  if (s.tracked_at && t.now - *s.tracked_at < p.track_gap) {
    s.due.track = *s.tracked_at + p.track_gap;
    return;
  }
  s.track_needed = false;
  s.tracked_at = t.now;
  s.track_ref = ref();
  const nlohmann::json payload{{"type", "presence"}, {"event", "track"}, {"payload", s.meta}};
  push(s.track_ref, "presence", http::dump_safe(payload));
}

void stepper::on(const set_meta& what) {
  if (what.meta == s.meta)
    return;
  s.meta = what.meta;
  s.track_needed = !s.meta.is_null();
  track();
}

void stepper::on(const send& what) {
  if (s.channel != channel_state::joined || !what.payload)
    return; // it was not and will not be sent: the journal above has it
  s.outbox_bytes += what.payload->size();
  s.outbox.push_back({what.event, what.payload});
  pump(true);
}

void stepper::pump(bool paced) {
  const double rate = p.limits.messages_per_second;
  if (rate <= 0)
    paced = false;
  if (paced) {
    const std::chrono::duration<double> passed = t.now - s.bucket_at;
    s.bucket = std::min(rate, s.bucket + passed.count() * rate);
  }
  s.bucket_at = t.now;
  s.due.pace.reset();
  while (!s.outbox.empty()) {
    if (paced && s.bucket < 1) {
      const auto wait
        = std::chrono::ceil<milliseconds>(std::chrono::duration<double>{(1 - s.bucket) / rate});
      s.due.pace = in(std::max(wait, milliseconds{1}));
      return;
    }
    if (paced)
      s.bucket -= 1;
    const auto next = std::move(s.outbox.front());
    s.outbox.pop_front();
    s.outbox_bytes -= next.payload->size();
    const auto number = ref();
    if (s.watched_ref.empty()) {
      s.watched_ref = number;
      s.watched_at = t.now;
    }
    push(number, "broadcast", wrapped(next));
  }
}

} // namespace holt::link::realtime
