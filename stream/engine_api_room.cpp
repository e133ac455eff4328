// SPDX-License-Identifier: Apache-2.0

// The /api/room half of the HTTP API, and /metrics.

#include "stream/engine_api.hpp"
#include "stream/room_payload.hpp"

#include <charconv>
#include <sstream>

namespace holt::stream {

using nlohmann::json;

namespace {

json size_json(const screen_size& size) {
  return {{"width", size.width}, {"height", size.height}, {"rate", size.rate}};
}

http::response of_result(const api_result<void>& done) {
  return done ? neko_empty() : neko_error(done.error().status, done.error().message);
}

void number(std::ostream& out, const char* name, const char* type, const char* labels,
            double value) {
  out << "# TYPE " << name << ' ' << type << '\n' << name << labels << ' ' << value << '\n';
}

} // namespace

void engine_api::settings(call& c) {
  c.answer(neko_json(room_->settings_json()));
}

void engine_api::control(call& c) {
  c.answer(neko_json(room_->control_json()));
}

void engine_api::control_request(call& c) {
  switch (room_->request_control(*c.who)) {
  case 204: return c.answer(neko_empty());
  case 202: return c.answer(neko_error(202, "the host was asked"));
  default: return c.answer(neko_error(403, "controls are locked"));
  }
}

void engine_api::control_release(call& c) {
  c.answer(of_result(room_->release_control(*c.who)));
}

void engine_api::control_take(call& c) {
  c.answer(of_result(room_->take_control(*c.who)));
}

void engine_api::control_give(call& c) {
  c.answer(of_result(room_->give_control(*c.who, c.id)));
}

void engine_api::control_reset(call& c) {
  room_->reset_control(*c.who);
  c.answer(neko_empty());
}

void engine_api::screen(call& c) {
  c.answer(neko_json(size_json(room_->media().size())));
}

void engine_api::set_screen(call& c) {
  auto width = c.body.is_object() ? number_of(c.body, "width") : std::nullopt;
  auto height = c.body.is_object() ? number_of(c.body, "height") : std::nullopt;
  if (!width || !height || *width < 1 || *height < 1)
    return c.answer(neko_error(400, "width and height are needed"));
  screen_size wanted{static_cast<unsigned>(*width), static_cast<unsigned>(*height),
                     static_cast<unsigned>(std::max(0, number_of(c.body, "rate").value_or(0)))};
  room_->media().resize(wanted, [answer = c.answer, wanted](const result<screen_size>& done) {
    answer(done ? neko_json(size_json(wanted)) : neko_error(422, done.error().detail));
  });
}

void engine_api::configurations(call& c) {
  auto now = room_->media().size();
  auto out = json::array({size_json(now)});
  constexpr std::pair<unsigned, unsigned> usual[]{
    {3840, 2160}, {2560, 1440}, {1920, 1200}, {1920, 1080}, {1680, 1050}, {1600, 900},
    {1440, 900},  {1280, 1024}, {1280, 800},  {1280, 720},  {1024, 768},  {800, 600}};
  for (auto [width, height] : usual)
    if (width != now.width || height != now.height)
      out.push_back(size_json({width, height, 30}));
  c.answer(neko_json(out));
}

void engine_api::shot(call& c) {
  int quality = 90;
  if (auto asked = c.request.query_value("quality").value_or(""); !asked.empty()) {
    auto [end, failed] = std::from_chars(asked.data(), asked.data() + asked.size(), quality);
    if (failed != std::errc{} || end != asked.data() + asked.size() || quality < 1 || quality > 100)
      return c.answer(neko_error(400, "quality must be 1 to 100"));
  }
  room_->media().shot(quality, [answer = c.answer](result<std::vector<std::uint8_t>> done) {
    if (!done)
      return answer(neko_error(500, done.error().detail));
    http::response out;
    out.headers = {{"Content-Type", "image/jpeg"}, {"Cache-Control", "no-store"}};
    out.body = std::make_shared<const std::string>(done->begin(), done->end());
    answer(std::move(out));
  });
}

// Input is by keysym and typed exactly, so that the layout makes no difference: it is taken and
// not used.
void engine_api::keyboard_map(call& c) {
  c.answer(neko_json({{"layout", "us"}, {"variant", ""}}));
}

void engine_api::set_keyboard_map(call& c) {
  if (!room_->is_host(c.who->id))
    return c.answer(neko_error(403, "session is not the host"));
  c.answer(neko_empty());
}

void engine_api::modifiers(call& c) {
  json out;
  for (const char* name :
       {"shift", "capslock", "control", "alt", "numlock", "meta", "super", "altgr"})
    out[name] = nullptr; // not known
  c.answer(neko_json(out));
}

void engine_api::set_modifiers(call& c) {
  if (!c.body.is_object())
    return c.answer(neko_error(400, "unable to parse the body as JSON"));
  c.answer(of_result(room_->set_modifiers(*c.who, c.body)));
}

void engine_api::clipboard(call& c) {
  if (!c.who->who.can_access_clipboard || !room_->is_host(c.who->id))
    return c.answer(neko_error(403, "the clipboard is the host's"));
  c.answer(neko_json({{"text", room_->media().clipboard()}, {"html", ""}}));
}

void engine_api::set_clipboard(call& c) {
  if (!c.who->who.can_access_clipboard || !room_->is_host(c.who->id))
    return c.answer(neko_error(403, "the clipboard is the host's"));
  if (!c.body.is_object())
    return c.answer(neko_error(400, "unable to parse the body as JSON"));
  auto done = room_->media().set_clipboard(std::string{text_of(c.body, "text")});
  c.answer(done ? neko_empty() : neko_error(500, done.error().detail));
}

std::string metrics_text(room& of, const source_numbers& n) {
  auto& pool = of.peers();
  const auto& socket = pool.socket_counters();
  const auto& peers = pool.counters();
  std::ostringstream out;
  out.precision(15);
  constexpr auto video = "{video_id=\"main\"}";
  auto gauge = [&](const char* name, const char* labels, double value) {
    number(out, name, "gauge", labels, value);
  };
  auto counter = [&](const char* name, const char* labels, auto value) {
    number(out, name, "counter", labels, static_cast<double>(value));
  };
  // neko's names
  gauge("neko_capture_streamsink_listeners", video, n.video_viewers);
  counter("neko_capture_streamsink_bytes", video, n.video_bytes);
  gauge("neko_capture_pipelines_active", video, n.video_viewers > 0 ? 1 : 0);
  // our own
  gauge("holt_stream_sessions", "", static_cast<double>(of.registry().sessions().size()));
  gauge("holt_stream_connected", "", static_cast<double>(of.connected()));
  gauge("holt_stream_peers", "", static_cast<double>(pool.size()));
  gauge("holt_stream_audio_listeners", "", n.audio_viewers);
  counter("holt_stream_peers_made_total", "", peers.peers_made);
  counter("holt_stream_peers_failed_total", "", peers.peers_failed);
  counter("holt_stream_frames_total", "", n.video_frames);
  counter("holt_stream_key_frames_total", "", n.video_keys);
  counter("holt_stream_capture_microseconds_total", "", n.capture_us);
  counter("holt_stream_encode_microseconds_total", "", n.encode_us);
  counter("holt_stream_frames_dropped_total", "", peers.frames_dropped);
  counter("holt_stream_udp_received_total", "", socket.received);
  counter("holt_stream_udp_sent_total", "", socket.sent);
  counter("holt_stream_udp_sent_bytes_total", "", socket.sent_bytes);
  counter("holt_stream_udp_dropped_total", "", socket.dropped);
  counter("holt_stream_checks_refused_total", "", peers.refused_checks);
  counter("holt_stream_retransmitted_total", "", peers.retransmitted);
  counter("holt_stream_input_dropped_total", "", n.input_dropped);
  return std::move(out).str();
}

} // namespace holt::stream
