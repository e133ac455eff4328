// SPDX-License-Identifier: Apache-2.0
#include "stream/peer.hpp"

#include "stream/peer_pool.hpp"

namespace holt::stream {

namespace {

constexpr std::chrono::seconds setup_timeout{30};
constexpr std::chrono::seconds report_interval{1};
// What one viewer may ask for again: far above 10 % loss, far below an amplifier.
constexpr double resend_per_second = 500;
constexpr double resend_burst = 300;

} // namespace

peer::peer(peer_pool& pool, peer_handlers on, steady_time now)
  : pool_(pool), on_(std::move(on)), born_(now) {}

peer::~peer() = default;

std::string peer::offer() const {
  return write_offer(pool_.offer_for(ice_));
}

result<void> peer::accept(std::string_view sdp) {
  if (state_ == peer_state::closed || answer_)
    return error{errc::conflict, "answer refused: none is expected"};
  auto parsed = parse_answer(sdp);
  if (!parsed) {
    close();
    return parsed.error();
  }
  answer_ = std::move(*parsed);
  ice_.set_remote_ufrag(answer_->ufrag);
  if (dtls_ && !dtls_->expect(answer_->certificate)) {
    auto why = dtls_->reason();
    close();
    return error{errc::invalid_request, "answer refused: " + why};
  }
  if (dtls_)
    advance(dtls_->now()); // the handshake may have overtaken the answer
  return {};
}

bool peer::on_check(bytes_view message, const stun_request& request, const udp_endpoint& from,
                    steady_time now) {
  std::array<std::uint8_t, 160> out{};
  auto done = ice_.check(message, request, from, now, out);
  if (done.reply_bytes == 0)
    return false;
  pool_.mux().send(bytes_view{out}.first(done.reply_bytes), from);
  return true;
}

void peer::on_dtls(bytes_view datagram) {
  if (state_ == peer_state::closed || !ice_.route())
    return;
  if (!dtls_) {
    auto made = dtls_session::make(
      pool_.identity(),
      [this](bytes_view bytes) {
        if (ice_.route())
          pool_.mux().send(bytes, *ice_.route());
      },
      [this](bytes_view bytes) {
        if (sctp_ && state_ == peer_state::connected)
          sctp_->receive(bytes);
      });
    if (!made)
      return fail(errc::internal, made.error().detail);
    dtls_ = std::move(*made);
    if (answer_)
      dtls_->expect(answer_->certificate);
    state_ = peer_state::handshake;
  }
  advance(dtls_->receive(datagram));
}

void peer::advance(dtls_session::phase phase) {
  if (state_ == peer_state::closed)
    return;
  switch (phase) {
  case dtls_session::phase::handshake: return;
  case dtls_session::phase::failed: return fail(errc::stream_ice, "DTLS: " + dtls_->reason());
  case dtls_session::phase::closed: return fail(errc::none, "the viewer closed its connection");
  case dtls_session::phase::established:
    if (state_ == peer_state::handshake && dtls_->verified())
      establish();
    return;
  }
}

void peer::establish() {
  auto keys = dtls_->export_keys();
  if (!keys)
    return fail(errc::stream_ice, keys.error().detail);
  auto srtp = srtp_session::make(*keys);
  if (!srtp)
    return fail(errc::internal, srtp.error().detail);
  srtp_ = std::move(*srtp);
  state_ = peer_state::connected;
  auto open = [this] { return state_ == peer_state::connected; };
  auto sctp
    = sctp_association::make(pool_.sctp(), {[this](bytes_view bytes) { dtls_->write(bytes); },
                                            [this, open] {
                                              if (open())
                                                on_.channel_open();
                                            },
                                            [this, open](bytes_view bytes) {
                                              if (open())
                                                on_.message(bytes);
                                            },
                                            [this, open] {
                                              if (open())
                                                fail(errc::none, "the data channel ended");
                                            }});
  if (!sctp)
    return fail(errc::internal, sctp.error().detail);
  sctp_ = std::move(*sctp);
  on_.connected();
  pool_.recount();
}

void peer::on_media(bytes_span datagram, steady_time now) {
  // Only RTCP comes from a viewer: payload types 64 to 95 with the marker bit (RFC 5761).
  if (state_ != peer_state::connected || datagram.size() < 8 || datagram[1] < 192
      || datagram[1] > 223)
    return;
  auto size = srtp_->unprotect_rtcp(datagram);
  if (size > 0)
    on_feedback(parse_rtcp(datagram.first(size), pool_.ssrcs().video), now);
}

void peer::on_feedback(const rtcp_feedback& feedback, steady_time now) {
  if (feedback.estimate)
    statistics_.estimate = *feedback.estimate;
  if (feedback.video) {
    statistics_.fraction_lost = feedback.video->fraction_lost;
    if (auto trip = round_trip(*feedback.video, std::chrono::system_clock::now()))
      statistics_.round_trip = *trip;
  }
  if (feedback.key_wanted && video_) {
    ++statistics_.keys_wanted;
    pool_.want_key();
  }
  if (feedback.lost.empty() || !video_ || !answer_->rtx)
    return;
  auto idle = std::chrono::duration<double>(now - resend_filled_).count();
  resend_filled_ = now;
  resend_tokens_ = std::min(resend_burst, resend_tokens_ + idle * resend_per_second);
  for (auto own : feedback.lost) {
    auto shared = sequence_.shared(own);
    const auto* packet = shared ? pool_.history().find(*shared) : nullptr;
    if (packet == nullptr || resend_tokens_ < 1)
      continue;
    resend_tokens_ -= 1;
    // The viewer knows the packet by `own`; sequence_.map would move its counter.
    auto again = *packet;
    again.sequence = own;
    resend(again);
  }
  pool_.mux().flush();
}

void peer::resend(const video_packet& packet) {
  auto slot = pool_.mux().slot();
  byte_writer w{slot};
  rtp_fields fields{rtx_payload_type, packet.last, rtx_sequence_++, packet.frame->rtp_timestamp,
                    pool_.ssrcs().rtx};
  write_rtp_header(w, fields, answer_->extensions, pool_.send_time());
  w.u16(packet.sequence); // the original number comes first (RFC 4588)
  write_video_payload(w, packet);
  auto size = w.ok() ? srtp_->protect(slot, w.size()) : 0;
  if (size == 0)
    return;
  ++statistics_.retransmitted;
  pool_.count_retransmission();
  pool_.mux().commit(size, *ice_.route());
}

void peer::send_video(const std::vector<const video_packet*>& packets) {
  if (state_ != peer_state::connected || !video_ || packets.empty())
    return;
  const auto& frame = *packets.front()->frame;
  if (needs_key_) {
    if (!frame.key)
      return;
    needs_key_ = false;
    sequence_.resume(packets.front()->sequence);
  }
  for (const auto* packet : packets) {
    auto slot = pool_.mux().slot();
    byte_writer w{slot};
    rtp_fields fields{video_payload_type, packet->last, sequence_.map(packet->sequence),
                      frame.rtp_timestamp, pool_.ssrcs().video};
    write_rtp_header(w, fields, answer_->extensions, pool_.send_time());
    auto header = w.size();
    write_video_payload(w, *packet);
    ++video_clock_.packets;
    video_clock_.octets += static_cast<std::uint32_t>(w.size() - header);
    if (auto size = w.ok() ? srtp_->protect(slot, w.size()) : 0; size > 0)
      pool_.mux().commit(size, *ice_.route());
  }
  statistics_.packets += packets.size();
  video_clock_.timestamp = frame.rtp_timestamp;
  video_clock_.captured = frame.captured;
}

void peer::send_audio(const encoded_frame& frame) {
  if (state_ != peer_state::connected || !audio_ || !answer_->audio || frame.data.size() > 1275)
    return;
  auto slot = pool_.mux().slot();
  byte_writer w{slot};
  write_rtp_header(
    w, {audio_payload_type, false, audio_sequence_++, frame.rtp_timestamp, pool_.ssrcs().audio}, {},
    0);
  w.bytes(frame.data);
  ++audio_clock_.packets;
  audio_clock_.octets += static_cast<std::uint32_t>(frame.data.size());
  audio_clock_.timestamp = frame.rtp_timestamp;
  audio_clock_.captured = frame.captured;
  if (auto size = w.ok() ? srtp_->protect(slot, w.size()) : 0; size > 0)
    pool_.mux().commit(size, *ice_.route());
}

void peer::send_report(const stream_clock& clock, std::uint32_t ssrc, std::uint64_t rate) {
  if (clock.packets == 0)
    return;
  using namespace std::chrono;
  auto now = system_clock::now();
  auto since = std::max<std::int64_t>(0, duration_cast<microseconds>(now - clock.captured).count());
  auto ticks = static_cast<std::uint64_t>(since) * rate / 1'000'000;
  auto slot = pool_.mux().slot();
  auto size = write_sender_report(
    slot,
    {ssrc, now, clock.timestamp + static_cast<std::uint32_t>(ticks), clock.packets, clock.octets},
    pool_.cname());
  size = size > 0 ? srtp_->protect_rtcp(slot, size) : 0;
  if (size > 0)
    pool_.mux().commit(size, *ice_.route());
}

void peer::on_tick(steady_time now) {
  if (state_ == peer_state::closed)
    return;
  if (ice_.consent_lost(now))
    return fail(errc::stream_ice, "the viewer was silent for 10 s");
  if (state_ != peer_state::connected) {
    if (now - born_ > setup_timeout) {
      if (!ice_.route())
        return fail(errc::stream_ice,
                    "no ICE check arrived; addresses offered: " + pool_.addresses());
      return fail(errc::stream_ice,
                  answer_ ? "the DTLS handshake did not end in time" : "no answer arrived in time");
    }
    if (dtls_)
      advance(dtls_->tick());
    return;
  }
  if (now - last_report_ >= report_interval) {
    last_report_ = now;
    send_report(video_clock_, pool_.ssrcs().video, 90'000);
    send_report(audio_clock_, pool_.ssrcs().audio, 48'000);
    pool_.mux().flush();
  }
}

bool peer::send(bytes_view message) {
  return state_ == peer_state::connected && sctp_ && sctp_->send(message);
}

void peer::set_wanted(bool video, bool audio) {
  if (video && !video_)
    needs_key_ = true;
  video_ = video;
  audio_ = audio;
  if (state_ == peer_state::connected)
    pool_.recount();
}

void peer::fail(errc code, std::string reason) {
  if (state_ == peer_state::closed)
    return;
  auto closed = on_.closed;
  close();
  if (closed)
    closed({code, std::move(reason)});
}

void peer::close() {
  if (state_ == peer_state::closed)
    return;
  auto was_connected = state_ == peer_state::connected;
  state_ = peer_state::closed;
  if (dtls_)
    dtls_->close();
  // The protocol objects may be on the stack below us: they are freed by a post of the pool.
  pool_.retire(*this, was_connected);
}

void peer::release() {
  sctp_.reset();
  dtls_.reset();
  srtp_.reset();
  on_ = {};
}

} // namespace holt::stream
