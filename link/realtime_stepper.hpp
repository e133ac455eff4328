// SPDX-License-Identifier: Apache-2.0
#pragma once

// One step of realtime_machine while it is carried out: the state, the times, the effects so far.
// Internal to link/: realtime_machine.cpp has sockets and timers, realtime_tokens.cpp tokens,
// realtime_outbound.cpp what is said to the server, realtime_inbound.cpp what it says. Lives on the
// stack of step().

#include "link/realtime_machine.hpp"

namespace holt::link::realtime {

class stepper {
public:
  stepper(state& now, const clocks& at, const policy& how) : s{now}, t{at}, p{how} {}

  void run(const event& what);
  std::vector<effect> out;

private:
  // -- events (realtime_machine.cpp)
  void on(const started&);
  void on(const tick&);
  void on(const connected&);
  void on(const connect_failed&);
  void on(const closed&);
  void on(const received&);     // realtime_inbound.cpp
  void on(const token_ready&);  // realtime_tokens.cpp
  void on(const token_failed&); // realtime_tokens.cpp
  void on(const send&);
  void on(const set_meta&);
  void on(const close&);

  // -- sockets and tokens
  void wake();
  void begin_connect();
  void open_socket();
  bool alive(std::uint64_t serial) const;
  void ask_token();
  void plan_refresh();
  void no_token(const error& why);
  void lose_socket(std::uint16_t code, const verdict& why);
  void note(const error& why);
  void was_joined(const error& why);
  void finish();
  void rearm();

  // -- the channel (realtime_outbound.cpp)
  void start_join();
  void lose_channel(const verdict& why);
  void joined();
  void beat(milliseconds budget);
  void track();
  void pump(bool paced);
  std::string ref() { return std::to_string(s.next_ref++); }
  void push(const std::string& ref, std::string name, std::string payload);

  // -- frames (realtime_inbound.cpp)
  void frame(const phoenix::frame& what);
  void reply(const phoenix::frame& what);
  void join_refused(std::string_view reason);
  void push_refused(const phoenix::frame& what, std::string_view reason);
  void gone(bool crashed);
  void system(const phoenix::frame& what);
  void broadcast(const phoenix::frame& what);

  // -- chance
  std::uint64_t chance();
  milliseconds up_to(milliseconds most);

  steady_time in(milliseconds after) const { return t.now + after; }
  void say(bool warning, std::string what, std::string detail = {}) {
    out.push_back(report{warning, std::move(what), std::move(detail)});
  }

  state& s;
  const clocks& t;
  const policy& p;
};

/// When the token ends, from its claim `exp`, which is not verified here. Nothing for what is no
/// JWT.
std::optional<wall_time> token_expiry(std::string_view token);

} // namespace holt::link::realtime
