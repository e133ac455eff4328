// SPDX-License-Identifier: Apache-2.0
#pragma once

// The Realtime machine in virtual time: one object that plays clock, hands and server. Time moves
// only by pass(); ticks come exactly when the machine armed them.

#include "link/realtime_machine.hpp"

#include <algorithm>
#include <iostream>

namespace holt::test {

using namespace link::realtime;
using namespace std::chrono_literals;

struct realtime_world {
  policy p;
  state s;
  clocks t{steady_time{1000s}, wall_time{1'800'000'000s}};

  std::optional<steady_time> armed;
  std::vector<phoenix::frame> sent; ///< on the present socket
  std::vector<close_socket> closes;
  std::vector<down> downs;
  std::vector<link::link_message> got;
  std::vector<std::vector<link::link_presence>> presences;
  std::vector<report> reports;
  std::uint64_t serial = 0; ///< of the last connect
  std::uint64_t fetch = 0;
  int connects = 0;
  int fetches = 0;
  int ups = 0;
  bool done = false;

  realtime_world() {
    p.topic = "realtime:sandbox:s1";
    p.presence_key = "sbx-7";
    p.token = "fixed";
    s.random = 42;
    p.limits = {256'000, 40};
  }

  void tell(const event& what) {
    for (const auto& one : step(s, what, t, p))
      std::visit([this](const auto& effect) { take(effect); }, one);
  }

  void take(const connect& what) {
    serial = what.serial;
    ++connects;
    sent.clear();
  }
  void take(const to_socket& what) {
    if (const auto f = phoenix::decode_text(p.version, what.text))
      sent.push_back(*f);
    else
      std::cerr << "not a frame: " << what.text << "\n";
  }
  void take(const close_socket& what) { closes.push_back(what); }
  void take(const fetch_token& what) {
    fetch = what.serial;
    ++fetches;
  }
  void take(const arm& what) { armed = what.at; }
  void take(const up&) { ++ups; }
  void take(const down& what) { downs.push_back(what); }
  void take(const deliver& what) { got.push_back(what.what); }
  void take(const presence& what) { presences.push_back(what.all); }
  void take(const report& what) { reports.push_back(what); }
  void take(const finished&) { done = true; }

  /// Time goes by, with every tick that is due.
  void pass(milliseconds span) {
    const auto end = t.now + span;
    while (armed && *armed <= end) {
      move_to(std::max(*armed, t.now));
      tell(tick{});
    }
    move_to(end);
  }
  void move_to(steady_time when) {
    t.wall += std::chrono::duration_cast<wall_time::duration>(when - t.now);
    t.now = when;
  }
  /// The machine sleeps: the wall clock goes on alone.
  void sleep(milliseconds span) { t.wall += span; }
  /// Until the next tick, at most `most`; how long that was.
  milliseconds until_next_connect(milliseconds most) {
    const auto from = t.now;
    const auto before = connects;
    while (connects == before && armed && *armed - from <= most) {
      move_to(std::max(*armed, t.now));
      tell(tick{});
    }
    return std::chrono::duration_cast<milliseconds>(t.now - from);
  }

  // -- the server
  void server(const std::string& text) { tell(received{serial, text, false}); }
  const phoenix::frame* last(std::string_view name) const {
    const auto it = std::find_if(sent.rbegin(), sent.rend(),
                                 [&](const phoenix::frame& f) { return f.event == name; });
    return it == sent.rend() ? nullptr : &*it;
  }
  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(
      std::count_if(sent.begin(), sent.end(), [&](const auto& f) { return f.event == name; }));
  }
  std::string join_ref() const {
    const auto* const join = last("phx_join");
    return join && join->ref ? *join->ref : "?";
  }
  void reply(const std::string& ref, const std::string& payload, bool with_join_ref = true) {
    server("[" + (with_join_ref ? "\"" + join_ref() + "\"" : "null") + ",\"" + ref + "\",\""
           + p.topic + "\",\"phx_reply\"," + payload + "]");
  }
  void push(const std::string& name, const std::string& payload, const std::string& join = "null") {
    server("[" + join + ",null,\"" + p.topic + "\",\"" + name + "\"," + payload + "]");
  }
  void accept_join() { reply(join_ref(), R"({"status":"ok","response":{"postgres_changes":[]}})"); }
  void refuse_join(const std::string& reason) {
    reply(join_ref(), R"({"status":"error","response":{"reason":")" + reason + "\"}}");
  }
  void close_channel(const std::string& message) {
    if (!message.empty())
      push("system",
           R"({"extension":"system","status":"error","channel":"sandbox:s1","message":")" + message
             + "\"}",
           "\"" + join_ref() + "\"");
    push("phx_close", "{}", "\"" + join_ref() + "\"");
  }
  void answer_beat() {
    if (const auto* const beat = last("heartbeat"); beat && beat->ref)
      server("[null,\"" + *beat->ref + R"(","phoenix","phx_reply",{"status":"ok","response":{}}])");
  }
  /// Time with a server that answers heartbeats.
  void live(milliseconds span) {
    const auto end = t.now + span;
    while (armed && *armed <= end) {
      move_to(std::max(*armed, t.now));
      tell(tick{});
      answer_beat();
    }
    move_to(end);
  }

  void begin() { tell(started{}); }
  void open() { tell(connected{serial}); }
  void join() {
    begin();
    if (p.fetches_token)
      token("t1");
    open();
    accept_join();
  }
  void token(const std::string& text) { tell(token_ready{fetch, text}); }
  void lost(std::uint16_t code = 1006) { tell(closed{serial, code, ""}); }
  void send_text(const std::string& payload) {
    tell(send{"result", std::make_shared<const std::string>(payload)});
  }
  bool is_joined() const { return s.channel == channel_state::joined; }
};

} // namespace holt::test
