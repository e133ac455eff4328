// SPDX-License-Identifier: Apache-2.0

// The token of a Realtime connection: asked for before every connect and join, renewed before it
// ends, asked for again when the command failed.

#include "link/realtime_stepper.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holt::link::realtime {

void stepper::ask_token() {
  if (s.fetching)
    return;
  s.fetching = true;
  s.due.token = in(p.token_wait);
  out.push_back(fetch_token{++s.token_serial});
}

void stepper::on(const token_ready& what) {
  if (what.serial != s.token_serial || !s.fetching)
    return;
  s.fetching = false;
  s.due.token.reset();
  const bool other = what.token != s.token;
  s.token = what.token;
  s.token_fresh = true;
  s.token_expires = token_expiry(s.token);
  if (s.socket == socket_state::connecting && !s.due.connect)
    open_socket();
  else if (s.join_wanted)
    start_join();
  else if (s.channel == channel_state::joined) {
    if (other)
      push(ref(), "access_token", nlohmann::json{{"access_token", s.token}}.dump());
    s.token_fresh = false;
  }
  plan_refresh();
}

void stepper::plan_refresh() {
  if (!s.token_expires || !p.fetches_token || s.channel != channel_state::joined)
    return;
  const auto left = std::chrono::duration_cast<milliseconds>(*s.token_expires - t.wall);
  // At least once a day, however far away: clocks are set.
  s.due.refresh = in(std::clamp(left - p.token_margin, p.token_retry, milliseconds{86'400'000}));
}

void stepper::on(const token_failed& what) {
  if (what.serial != s.token_serial || !s.fetching)
    return;
  no_token(what.why);
}

void stepper::no_token(const error& why) {
  s.fetching = false;
  s.due.token.reset();
  if (s.socket == socket_state::connecting && !s.due.connect)
    lose_socket(0, {failure::retry, why});
  else if (s.join_wanted)
    lose_channel({failure::retry, why});
  else if (s.channel == channel_state::joined) {
    say(true, "token_failed", why.detail);
    s.last_error = why;
    s.due.refresh = in(p.token_retry);
  }
}

} // namespace holt::link::realtime
