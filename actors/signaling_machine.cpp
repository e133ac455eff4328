// SPDX-License-Identifier: Apache-2.0
#include "actors/signaling_machine.hpp"

#include "actors/signaling_rewrite.hpp"
#include "transport/json_guard.hpp"

#include <algorithm>

namespace holt::signaling {

namespace {

using effects = std::vector<effect>;
using nlohmann::json;

/// An engine tells about a thousand sessions in one message.
constexpr http::json_limits engine_limits{64, 200'000};

std::string text(std::string_view event, const json& payload) {
  return json{{"event", event}, {"payload", payload}}.dump(-1, ' ', false,
                                                           json::error_handler_t::replace);
}

effect say(std::string_view event, const json& payload) {
  return to_browser{text(event, payload)};
}

effect tell_error(const error& why, const std::vector<std::string>& tried = {}) {
  return say("holt/error", {{"code", why.word()},
                            {"detail", why.detail},
                            {"addresses", tried},
                            {"retryable", why.retryable()}});
}

effect set_timer(state& now, clock what, milliseconds after) {
  return arm{what, after, now.serial};
}

void finish_if_empty(state& now, effects& out) {
  // An account that is being made would stay at the engine: wait for it, then drop it.
  if (now.browser_open || now.socket || now.asked || now.now == phase::done)
    return;
  now.now = phase::done;
  if (now.account) {
    now.account = false;
    out.push_back(drop_account{});
  }
  out.push_back(finished{});
}

/// Ends both sides. The published client only understands system/disconnect, so it comes first.
effects goodbye(state& now, std::uint16_t code, const std::string& reason) {
  effects out;
  if (now.now == phase::closing || now.now == phase::done)
    return out;
  now.now = phase::closing;
  ++now.serial;
  out.push_back(tell_control{control::left{now.who.id, code == 1000}});
  if (now.browser_open) {
    out.push_back(say("system/disconnect", {{"message", reason}}));
    out.push_back(close_browser{code, reason});
  }
  if (now.socket)
    out.push_back(close_engine{1000});
  finish_if_empty(now, out);
  return out;
}

effects fail(state& now, const error& why) {
  effects out{tell_error(why, now.tried)};
  out.push_back(report{"viewer_failed", {{"code", why.word()}, {"detail", why.detail}}});
  for (auto& one : goodbye(now, info(why.code).ws_close, why.detail))
    out.push_back(std::move(one));
  return out;
}

effect join(const state& now) {
  return tell_control{control::joined{
    now.who.id,
    {now.who.name, now.session, now.who.may_drive, now.who.may_take_from_others, now.who.key}}};
}

effects log_in(state& now, const policy& how) {
  now.now = phase::logging_in;
  now.asked = true;
  ++now.serial;
  return {make_account{}, set_timer(now, clock::login, how.login)};
}

effect waiting(const state& now) {
  return say("holt/waiting", {{"reason", now.engine.reason}, {"elapsedMs", now.waited.count()}});
}

effects on(state& now, const opened& ev, const policy& how) {
  now.who = ev.who;
  now.engine = ev.engine;
  effects out{say("holt/session", {{"id", std::to_string(static_cast<std::uint64_t>(ev.who.id))},
                                   {"name", ev.who.name},
                                   {"canControl", ev.who.may_drive},
                                   {"engine", ev.engine.name},
                                   {"engineVersion", ev.engine.version}})};
  if (ev.engine.ready) {
    for (auto& one : log_in(now, how))
      out.push_back(std::move(one));
    return out;
  }
  out.push_back(waiting(now));
  out.push_back(set_timer(now, clock::engine_wait, how.engine_wait));
  out.push_back(set_timer(now, clock::progress, how.progress));
  return out;
}

effects on(state& now, const engine_changed& ev, const policy& how) {
  now.engine = ev.engine;
  if (ev.stopped)
    return goodbye(now, info(errc::conflict).ws_close, "the stream was stopped");
  switch (now.now) {
  case phase::waiting: return ev.engine.ready ? log_in(now, how) : effects{};
  case phase::logging_in:
  case phase::relaying:
    if (ev.engine.ready)
      return {};
    return goodbye(now, 1012, "the stream engine restarts: " + ev.engine.reason);
  default: return {};
  }
}

effects on(state& now, const account_ready& ev, const policy&) {
  now.asked = false;
  now.account = true;
  now.session = ev.session;
  if (now.now == phase::logging_in)
    return {join(now)};
  now.account = false; // the browser left meanwhile
  effects out{drop_account{}};
  finish_if_empty(now, out);
  return out;
}

effects on(state& now, const arbiter_restarted&, const policy&) {
  now.driver = false;
  return now.now == phase::relaying ? effects{join(now)} : effects{};
}

effects on(state& now, const account_failed& ev, const policy&) {
  now.asked = false;
  if (now.now == phase::logging_in)
    return fail(now, ev.why);
  effects out;
  finish_if_empty(now, out);
  return out;
}

effects on(state& now, const engine_open&, const policy&) {
  now.socket = true;
  if (now.now != phase::logging_in)
    return {close_engine{1000}};
  now.now = phase::relaying;
  ++now.serial;
  return {report{"viewer_connected", {{"name", now.who.name}}}};
}

effects on(state& now, const engine_closed& ev, const policy&) {
  now.socket = false;
  effects out;
  if (now.now == phase::relaying || now.now == phase::logging_in)
    out = goodbye(now, 1012,
                  ev.reason.empty() || ev.code == 1006 ? "the stream engine ended" : ev.reason);
  finish_if_empty(now, out);
  return out;
}

effects on(state& now, const browser_closed& ev, const policy&) {
  now.browser_open = false;
  effects out;
  if (now.now != phase::closing && now.now != phase::done) {
    now.now = phase::closing;
    ++now.serial;
    bool clean = ev.code == 1000 || ev.code == 1001;
    out.push_back(tell_control{control::left{now.who.id, clean}});
    // neko keeps a session for 5 s after any other code: our account is deleted anyway.
    if (now.socket)
      out.push_back(close_engine{clean ? ev.code : std::uint16_t{1000}});
    out.push_back(report{"viewer_left", {{"name", now.who.name}, {"code", ev.code}}});
  }
  finish_if_empty(now, out);
  return out;
}

effects ask_media(state& now, const policy& how, std::string&& raw) {
  now.offered = false;
  now.watching = false;
  now.tried.clear();
  ++now.serial;
  return {to_engine{std::move(raw)}, set_timer(now, clock::provide, how.provide)};
}

effects ice_failed(state& now, const json& payload) {
  auto tried = now.tried;
  if (payload.is_object() && payload.contains("remote") && payload["remote"].is_array())
    for (const auto& one : payload["remote"])
      if (one.is_string() && one.get_ref<const std::string&>().size() < 100
          && tried.size() < max_tried
          && std::find(tried.begin(), tried.end(), one.get<std::string>()) == tried.end())
        tried.push_back(one.get<std::string>());
  error why{errc::stream_ice, "the browser could not reach the media address; check that "
                              "stream.address is reachable from it by UDP"};
  return {tell_error(why, tried), report{"media_unreachable", {{"addresses", tried}}}};
}

effects own_event(state& now, std::string_view event, const json& payload) {
  if (event == "control/request")
    return {tell_control{control::request{now.who.id}}};
  if (event == "control/release")
    return {tell_control{control::release{now.who.id}}};
  if (event == "control/take")
    return {tell_control{control::take{now.who.id}}};
  if (event == "control/give") {
    auto id = id_of(payload, "id");
    if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != std::string::npos)
      return {tell_error({errc::unprocessable, "control/give needs the id of a viewer"})};
    return {tell_control{control::give{now.who.id, control::viewer_id{std::stoull(id)}}}};
  }
  if (event == "holt/ice_failed")
    return ice_failed(now, payload);
  ++now.dropped;
  return {};
}

effects junk(state& now, std::uint16_t code, const std::string& reason) {
  effects out{report{"viewer_junk", {{"code", code}, {"detail", reason}}}};
  for (auto& one : goodbye(now, code, reason))
    out.push_back(std::move(one));
  return out;
}

effects on(state& now, const from_browser& ev, const policy& how) {
  if (now.now == phase::closing || now.now == phase::done)
    return {};
  if (ev.binary)
    return junk(now, 1003, "signaling is text");
  // Bounded in depth: the library copies and writes recursively.
  const auto parsed = http::parse_json(ev.text);
  const auto message = parsed ? *parsed : json{};
  if (!message.is_object() || !message.contains("event") || !message["event"].is_string())
    return junk(now, 1008, "not a signaling message: {\"event\", \"payload\"} is expected");
  const auto& name = message["event"].get_ref<const std::string&>();
  auto payload = message.value("payload", json::object());
  if (!passes_to_engine(name, now.driver))
    return own_event(now, name, payload);
  if (now.now != phase::relaying) {
    ++now.dropped;
    return {};
  }
  if (!payload.is_object())
    return junk(now, 1008, name + " needs an object as payload");
  // Written anew: the engine's parser may read other names into the same text.
  auto raw = text(name, payload);
  if (name == "signal/request")
    return ask_media(now, how, std::move(raw));
  if (name == "signal/answer") {
    if (!payload.contains("sdp") || !payload["sdp"].is_string())
      return junk(now, 1008, "signal/answer needs sdp");
    return {to_engine{std::move(raw)}, set_timer(now, clock::ice, how.ice)};
  }
  return {to_engine{std::move(raw)}};
}

effects media_closed(state& now, const json& payload, const std::string& raw) {
  ++now.serial; // neither provide nor ICE is waited for any more
  now.watching = false;
  effects out{to_browser{raw}};
  auto reason = text_of(payload, "reason");
  if (reason.empty())
    return out;
  auto code = text_of(payload, "code");
  if (code.empty())
    code = info(errc::stream_pipeline).word;
  error why{info(std::string_view{code}).code, reason};
  if (why.code == errc::invalid_request) {
    for (auto& one : junk(now, 1008, reason))
      out.push_back(std::move(one));
    return out;
  }
  out.push_back(tell_error(why, now.tried));
  return out;
}

effects on(state& now, const from_engine& ev, const policy&) {
  if (now.now != phase::relaying)
    return {};
  if (!may_concern(ev.text, now.session)) {
    ++now.dropped;
    return {};
  }
  const auto parsed = http::parse_json(ev.text, engine_limits);
  const auto message = parsed ? *parsed : json{};
  if (!message.is_object() || !message.contains("event") || !message["event"].is_string()) {
    ++now.dropped;
    return {};
  }
  const std::string name = message["event"];
  if (!passes_to_browser(name)) {
    ++now.dropped;
    return {};
  }
  const auto payload = message.value("payload", json{});
  if (name == "signal/provide" && payload.is_object()) {
    now.offered = true;
    ++now.serial;
    remember_candidates(now, text_of(payload, "sdp"));
    return {to_browser{with_ice_server(now, message, ev.text)}};
  }
  if (name == "system/init" && payload.is_object())
    return {to_browser{without_others(now, message)}};
  if (name == "session/state" && id_of(payload, "id") != now.session) {
    ++now.dropped;
    return {};
  }
  if (name == "signal/candidate" && payload.is_object())
    remember_candidate(now, text_of(payload, "candidate"));
  if (name == "signal/close")
    return media_closed(now, payload, ev.text);
  if (name == "session/state") {
    bool watching = flag_of(payload, "is_watching");
    if (watching && !now.watching)
      ++now.serial; // the ICE timer is stale now
    now.watching = watching;
  }
  return {to_browser{ev.text}};
}

effects on(state& now, const control_changed& ev, const policy&) {
  now.driver = ev.driver;
  auto payload = ev.payload;
  payload["you"] = ev.driver;
  return {say("holt/control", payload)};
}

effects on(state&, const control_refused& ev, const policy&) {
  return {tell_error(ev.why)};
}

effects on(state&, const control_asked& ev, const policy&) {
  return {say("holt/control_request",
              {{"id", std::to_string(static_cast<std::uint64_t>(ev.asker))}, {"name", ev.name}})};
}

effects no_offer(state& now) {
  if (now.offered)
    return {};
  error why = now.tried.empty()
                ? error{errc::engine_no_answer, "the stream engine did not answer the request for "
                                                "a stream"}
                : error{errc::stream_pipeline, "the stream engine answered but has no picture: its "
                                               "pipeline failed; see log/engine.log"};
  return {tell_error(why, now.tried), report{"no_offer", {{"code", why.word()}}}};
}

effects on(state& now, const timer& ev, const policy& how) {
  if (ev.serial != now.serial)
    return {};
  switch (ev.what) {
  case clock::engine_wait:
    if (now.now != phase::waiting)
      return {};
    return fail(now, {errc::engine_unavailable,
                      "the stream engine did not become ready: " + now.engine.reason});
  case clock::progress:
    if (now.now != phase::waiting)
      return {};
    now.waited += how.progress;
    return {waiting(now), set_timer(now, clock::progress, how.progress)};
  case clock::login:
    if (now.now != phase::logging_in)
      return {};
    return fail(now, {errc::engine_no_answer, "the stream engine did not answer the log-in"});
  case clock::provide: return no_offer(now);
  case clock::ice: return now.watching ? effects{} : ice_failed(now, {});
  }
  return {};
}

effects on(state& now, const shutdown& ev, const policy&) {
  return goodbye(now, ev.code, ev.reason);
}

} // namespace

std::vector<effect> step(state& now, const event& what, const policy& how) {
  return std::visit([&](const auto& ev) { return on(now, ev, how); }, what);
}

} // namespace holt::signaling
