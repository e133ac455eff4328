// SPDX-License-Identifier: Apache-2.0
#include "link/realtime_machine.hpp"

#include "link/realtime_stepper.hpp"
#include "transport/json_guard.hpp"

#include <algorithm>

namespace holt::link::realtime {

namespace {

milliseconds rung(const ladder& of, unsigned step) {
  return of[std::min<std::size_t>(step, of.size() - 1)];
}

bool due(std::optional<steady_time>& when, steady_time now) {
  if (!when || *when > now)
    return false;
  when.reset();
  return true;
}

error with_wait(error what, milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  what.detail += " The next attempt is in " + std::to_string(seconds) + " s.";
  return what;
}

} // namespace

void hurry(policy& how, unsigned by) {
  for (auto* const one :
       {&how.connect, &how.token_wait, &how.beat, &how.beat_reply, &how.probe_reply, &how.join,
        &how.leave, &how.rate_wait, &how.fatal_wait, &how.stable, &how.watch, &how.token_margin,
        &how.token_retry, &how.track_gap, &how.push_answer})
    *one /= by;
  for (auto* const steps : {&how.rejoin, &how.reconnect})
    for (auto& one : *steps)
      one /= by;
}

std::string_view to_string(socket_state what) noexcept {
  switch (what) {
  case socket_state::disconnected: return "disconnected";
  case socket_state::connecting: return "connecting";
  case socket_state::open: return "open";
  }
  return "?";
}

std::string_view to_string(channel_state what) noexcept {
  switch (what) {
  case channel_state::closed: return "closed";
  case channel_state::joining: return "joining";
  case channel_state::joined: return "joined";
  case channel_state::errored: return "errored";
  case channel_state::leaving: return "leaving";
  }
  return "?";
}

std::vector<effect> step(state& now, const event& what, const clocks& at, const policy& how) {
  stepper one{now, at, how};
  one.run(what);
  return std::move(one.out);
}

void stepper::run(const event& what) {
  if (s.over)
    return;
  if (std::holds_alternative<started>(what))
    s.last = t;
  // A tick alone knows that it is late; whatever comes before it proves nothing.
  const auto late = std::holds_alternative<tick>(what) && s.armed && t.now - *s.armed > p.jump;
  const auto jumped = (t.wall - s.last.wall) - (t.now - s.last.now) > p.jump;
  const bool ends
    = std::holds_alternative<closed>(what) || std::holds_alternative<connect_failed>(what);
  if ((late || jumped) && !ends)
    wake();
  std::visit([this](const auto& one) { on(one); }, what);
  s.last = t;
  rearm();
}

std::uint64_t stepper::chance() {
  // splitmix64
  auto z = s.random += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

milliseconds stepper::up_to(milliseconds most) {
  const auto range = static_cast<std::uint64_t>(std::max<std::int64_t>(most.count(), 0)) + 1;
  return milliseconds{static_cast<std::int64_t>(chance() % range)};
}

// -- time

/// The steady clock stands still while the machine sleeps, the wall clock does not; a stopped
/// process sees its own timer come far too late. Either way the peer may be gone.
void stepper::wake() {
  say(false, "woke_up");
  switch (s.socket) {
  case socket_state::open:
    if (s.due.join)
      s.due.join = std::max(*s.due.join, in(p.probe_reply));
    if (s.channel != channel_state::leaving)
      beat(p.probe_reply);
    plan_refresh();
    break;
  case socket_state::connecting:
    if (!s.due.connect)
      break; // waits for the token
    out.push_back(close_socket{s.serial, 1000, "woke up"});
    open_socket();
    break;
  case socket_state::disconnected:
    if (s.due.retry && !s.not_before)
      s.due.retry = t.now;
    break;
  }
}

void stepper::rearm() {
  std::optional<steady_time> next;
  if (!s.over)
    for (const auto& one :
         {s.due.retry, s.due.connect, s.due.token, s.due.refresh, s.due.join, s.due.rejoin,
          s.due.beat, s.due.beat_reply, s.due.watch, s.due.pace, s.due.track, s.due.leave})
      if (one && (!next || *one < *next))
        next = one;
  if (next == s.armed)
    return;
  s.armed = next;
  out.push_back(arm{next});
}

void stepper::on(const started&) {
  s.heard_joined = t.wall;
  s.token = p.fetches_token ? std::string{} : p.token;
  s.due.retry = t.now;
  on(tick{});
}

void stepper::on(const tick&) {
  if (due(s.due.leave, t.now)) {
    finish();
    return;
  }
  if (due(s.due.beat_reply, t.now)) {
    // What came since proves life: the answer may wait behind it, but not for ever.
    if (s.heard_at > s.beat_sent && !s.beat_extended) {
      s.beat_extended = true;
      s.due.beat_reply = in(p.beat_reply);
    } else {
      lose_socket(1000, {failure::retry, {errc::timeout, "Realtime did not answer a heartbeat."}});
    }
  }
  if (due(s.due.connect, t.now))
    lose_socket(1000, {failure::retry, {errc::timeout, "The connection did not open in time."}});
  if (due(s.due.token, t.now)) {
    ++s.token_serial; // what it prints later is dropped
    no_token({errc::timeout, "link.token_command did not end in time."});
  }
  if (due(s.due.join, t.now)) {
    const verdict late{failure::retry, {errc::timeout, "Realtime did not answer the join."}};
    if (++s.join_timeouts > 1)
      lose_socket(1000, late);
    else
      lose_channel(late);
  }
  if (due(s.due.watch, t.now))
    s.due.watch = in(p.watch);
  if (due(s.due.beat, t.now))
    beat(p.beat_reply);
  if (due(s.due.refresh, t.now) && s.channel == channel_state::joined)
    ask_token();
  if (due(s.due.track, t.now))
    track();
  if (due(s.due.pace, t.now))
    pump(true);
  if (s.channel == channel_state::joined && !s.watched_ref.empty() && !s.silence_told
      && t.now - s.watched_at > p.push_answer) {
    s.silence_told = true;
    say(true, "unanswered",
        "Realtime does not answer broadcasts: the token may lack write access.");
  }
  if (due(s.due.rejoin, t.now))
    start_join();
  if (due(s.due.retry, t.now))
    begin_connect();
}

// -- sockets

void stepper::begin_connect() {
  s.not_before.reset();
  s.socket = socket_state::connecting;
  if (!p.fetches_token)
    open_socket();
  else
    ask_token();
}

void stepper::open_socket() {
  ++s.serial;
  ++s.connects;
  s.socket = socket_state::connecting;
  s.due.connect = in(p.connect + milliseconds{1'000}); // the hands' own limit says more
  out.push_back(connect{s.serial});
}

/// While it waits for a token, the serial is still that of the socket before.
bool stepper::alive(std::uint64_t serial) const {
  return serial == s.serial
         && (s.socket == socket_state::open
             || (s.socket == socket_state::connecting && s.due.connect));
}

void stepper::on(const connected& what) {
  if (!alive(what.serial) || s.socket == socket_state::open)
    return;
  s.due.connect.reset();
  s.socket = socket_state::open;
  s.channel = channel_state::closed;
  s.next_ref = 1;
  s.join_ref.clear();
  s.beat_ref.clear();
  s.join_timeouts = 0;
  s.system.reset();
  s.heard_at = t.now;
  s.due.beat = in(p.beat);
  s.due.watch = in(p.watch);
  start_join();
}

void stepper::on(const connect_failed& what) {
  if (alive(what.serial))
    lose_socket(0, what.why);
}

void stepper::on(const closed& what) {
  if (!alive(what.serial))
    return;
  if (s.channel == channel_state::leaving) {
    s.socket = socket_state::disconnected;
    finish();
    return;
  }
  verdict why{failure::retry,
              {errc::io, "Realtime closed the connection (" + std::to_string(what.code)
                           + (what.reason.empty() ? "" : ": " + shown(what.reason)) + ")."}};
  if (s.system && t.now - s.system_at < milliseconds{10'000})
    why = *s.system;
  else if (what.code == 1001 && s.channel == channel_state::joining) {
    // The server's way to stop a client that joins too often; or it only goes away.
    if (s.kicked++ > 0)
      why.kind = failure::rate;
  }
  lose_socket(0, why);
}

/// `code` 0: it is closed already.
void stepper::lose_socket(std::uint16_t code, const verdict& why) {
  if (code != 0)
    out.push_back(close_socket{s.serial, code, why.why.detail.substr(0, 100)});
  if (s.channel == channel_state::leaving) {
    s.socket = socket_state::disconnected;
    finish();
    return;
  }
  const bool up_before = s.channel == channel_state::joined;
  if (up_before && t.now - s.joined_at >= p.stable)
    s.rejoins = s.reconnects = 0;
  s.socket = socket_state::disconnected;
  s.channel = channel_state::closed;
  s.join_ref.clear();
  s.beat_ref.clear();
  s.token_fresh = s.join_wanted = false;
  const auto fetch_until = s.due.token;
  s.due = {};
  s.due.token = fetch_until; // it goes on, and is fresh enough for the next attempt
  auto wait = up_to(rung(p.reconnect, s.reconnects++));
  auto told = why.why;
  if (why.kind == failure::rate || why.kind == failure::fatal) {
    wait = why.kind == failure::rate ? p.rate_wait : p.fatal_wait;
    told = with_wait(std::move(told), wait);
    wait += up_to(wait / 6);
    s.not_before = in(wait);
  }
  s.due.retry = in(wait);
  if (s.not_before)
    s.due.retry = std::max(*s.due.retry, *s.not_before);
  if (up_before)
    was_joined(told);
  else
    note(told);
}

/// Told once until something else happens.
void stepper::note(const error& why) {
  s.last_error = why;
  if (s.told == why)
    return;
  s.told = why;
  out.push_back(down{why, s.heard_joined});
}

void stepper::was_joined(const error& why) {
  s.outbox.clear();
  s.outbox_bytes = 0;
  s.due.pace.reset();
  s.watched_ref.clear();
  s.told.reset();
  note(why);
}

void stepper::on(const close&) {
  if (s.socket == socket_state::open && s.channel == channel_state::joined) {
    pump(false); // last words
    s.channel = channel_state::leaving;
    const auto number = ref();
    push(number, "phx_leave", "{}");
    s.due = {};
    s.due.leave = in(p.leave);
    return;
  }
  if (s.channel == channel_state::leaving)
    return;
  finish();
}

void stepper::finish() {
  if (alive(s.serial))
    out.push_back(close_socket{s.serial, 1000, "bye"});
  s.socket = socket_state::disconnected;
  s.channel = channel_state::closed;
  s.join_ref.clear();
  s.due = {};
  s.over = true;
  out.push_back(finished{});
}

} // namespace holt::link::realtime
