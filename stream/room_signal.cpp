// SPDX-License-Identifier: Apache-2.0

// The room's media half: signal/* events, the life of a seat's peer, the data channel.

#include "stream/room.hpp"
#include "stream/room_payload.hpp"

namespace holt::stream {

using nlohmann::json;

namespace {

json video_json(bool on) {
  return {{"disabled", !on}, {"id", room::video_id}, {"video", room::video_id}, {"auto", false}};
}

/// {video: {disabled}} of a request; wanted unless it says otherwise.
bool wants(const json& p, const char* kind) {
  auto at = p.find(kind);
  return at == p.end() || !at->is_object() || !flag_of(*at, "disabled", false);
}

std::uint16_t clamp16(int v) {
  return static_cast<std::uint16_t>(std::clamp(v, 0, 65'535));
}

std::uint64_t epoch_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
    duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

} // namespace

void room::refuse_media(const seat& who, errc code, const std::string& reason) const {
  send(who, "signal/close", {{"reason", reason}, {"code", info(code).word}});
}

void room::on_request(seat& who, payload p) {
  auto* as = registry_.find(who.id);
  if (as == nullptr)
    return;
  end_media(who);
  if (!as->who.can_watch)
    return refuse_media(who, errc::forbidden, "watching is not allowed");
  if (auto fine = media_.healthy(); !fine)
    return refuse_media(who, errc::stream_pipeline, fine.error().detail);
  auto number = next_number_++;
  // Every callback finds its seat by name and number; a newer connection makes it stale.
  auto bound = [weak = weak_from_this(), id = who.id, number](auto act) {
    return [weak, id, number, act](auto&&... args) {
      auto self = weak.lock();
      auto at = self ? self->find_seat(id) : nullptr;
      if (at && at->media_number == number)
        act(*self, *at, args...);
    };
  };
  peer_handlers on;
  on.connected = bound([](room& self, seat& at) { self.on_media_connected(at); });
  on.channel_open = bound([](room& self, seat& at) { self.on_channel_open(at); });
  on.message
    = bound([](room& self, seat& at, bytes_view message) { self.on_channel_message(at, message); });
  on.closed = bound([](room& self, seat& at, const peer_end& why) {
    self.end_media(at);
    if (why.code == errc::none)
      self.send(at, "signal/close", nullptr);
    else
      self.refuse_media(at, why.code, why.reason);
  });
  who.media = peers_.create(std::move(on));
  if (!who.media)
    return refuse_media(who, errc::busy, "too many viewers");
  who.media_number = number;
  who.video = wants(p, "video");
  who.audio = wants(p, "audio");
  who.media->set_wanted(who.video, who.audio);
  send(who, "signal/provide",
       {{"sdp", who.media->offer()},
        {"iceservers", json::array()},
        {"video", video_json(who.video)},
        {"audio", {{"disabled", !who.audio}}}});
}

void room::on_answer(seat& who, payload p) {
  if (!who.media)
    return refuse_media(who, errc::conflict, "answer refused: none is expected");
  auto taken = who.media->accept(text_of(p, "sdp"));
  if (taken)
    return;
  end_media(who);
  refuse_media(who, taken.error().code, taken.error().detail);
}

void room::on_video(seat& who, payload p) {
  if (!who.media)
    return;
  who.video = !flag_of(p, "disabled", !who.video);
  who.media->set_wanted(who.video, who.audio);
  send(who, "signal/video", video_json(who.video));
}

void room::on_audio(seat& who, payload p) {
  if (!who.media)
    return;
  who.audio = !flag_of(p, "disabled", !who.audio);
  who.media->set_wanted(who.video, who.audio);
  send(who, "signal/audio", {{"disabled", !who.audio}});
}

void room::end_media(seat& who) {
  auto old = std::exchange(who.media, nullptr);
  who.media_number = 0;
  who.cursor_due = false;
  if (!old)
    return;
  old->close();
  media_.release(who.input);
  if (auto* as = registry_.find(who.id); as != nullptr && as->watching) {
    as->set_watching(false, std::chrono::system_clock::now());
    announce_state(*as);
  }
}

void room::on_media_failure(const error& why) {
  for (auto& [id, who] : seats_)
    if (who->media) {
      end_media(*who);
      refuse_media(*who, errc::stream_pipeline, why.detail);
    }
}

void room::on_media_connected(seat& who) {
  auto* as = registry_.find(who.id);
  if (as == nullptr)
    return;
  as->set_watching(true, std::chrono::system_clock::now());
  announce_state(*as);
}

void room::on_channel_open(seat& who) {
  who.cursor_due = true;
  send_cursor(who);
}

void room::send_cursor(seat& who) {
  if (!who.media || !who.cursor_due)
    return;
  if (cursor_message_.empty())
    if (auto image = media_.cursor())
      cursor_message_
        = encode_cursor_image(image->width, image->height, image->hot_x, image->hot_y, image->png);
  if (!cursor_message_.empty() && !who.media->send(cursor_message_))
    return; // the channel is full; the next tick tries again
  who.cursor_due = false;
  auto at = media_.pointer();
  who.media->send(encode_cursor_position(clamp16(at.x), clamp16(at.y)));
}

void room::on_cursor_image(const desktop::cursor_image& image) {
  cursor_message_
    = encode_cursor_image(image.width, image.height, image.hot_x, image.hot_y, image.png);
  for (auto& [id, who] : seats_)
    if (who->media && !who->media->send(cursor_message_))
      who->cursor_due = true;
}

void room::on_pointer(desktop::pointer_position where) {
  auto message = encode_cursor_position(clamp16(where.x), clamp16(where.y));
  for (auto& [id, who] : seats_)
    if (who->media && !is_host(id)) // the host knows where it points; what is lost is soon outdated
      who->media->send(message);
}

void room::on_channel_message(seat& who, bytes_view message) {
  auto input = decode_channel_input(message);
  if (!input)
    return;
  if (const auto* ping = std::get_if<ping_asked>(&*input)) {
    who.media->send(encode_pong(*ping, epoch_ms()));
    return;
  }
  if (!is_host(who.id)) // unlike input over the socket it asks for nothing
    return;
  if (const auto* move = std::get_if<pointer_moved>(&*input))
    media_.move(who.input, move->x, move->y);
  else if (const auto* wheel = std::get_if<wheel_turned>(&*input))
    media_.scroll(who.input, wheel->dx, wheel->dy, wheel->control);
  else if (const auto* key = std::get_if<key_changed>(&*input))
    media_.key(who.input, key->keysym, key->down);
  else if (const auto* button = std::get_if<button_changed>(&*input))
    media_.button(who.input, button->button, button->down);
}

} // namespace holt::stream
