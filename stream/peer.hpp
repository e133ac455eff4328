// SPDX-License-Identifier: Apache-2.0
#pragma once

// One viewer's media connection: ICE → DTLS → SRTP and SCTP, as a state machine. Owned by the pool
// (and by the room that asked for it) through shared_ptr; io thread only. close() is synchronous
// and idempotent and may be called from its own callbacks; the object is freed by a later post.

#include "stream/dtls.hpp"
#include "stream/ice.hpp"
#include "stream/rtcp.hpp"
#include "stream/rtp.hpp"
#include "stream/sctp.hpp"
#include "stream/sdp.hpp"
#include "stream/srtp.hpp"

#include <functional>
#include <memory>

namespace holt::stream {

class peer_pool;

enum class peer_state { waiting, handshake, connected, closed };

/// How a connection ended; `none` for close() by the room.
struct peer_end {
  errc code = errc::none;
  std::string reason; ///< for `signal/close`
};

struct peer_handlers {
  std::function<void()> connected;         ///< media may flow
  std::function<void()> channel_open;      ///< `data` is open
  std::function<void(bytes_view)> message; ///< of the data channel
  std::function<void(peer_end)> closed;    ///< once, last; not called for close() by the room
};

struct peer_statistics {
  std::uint64_t packets = 0; ///< of video, without retransmissions
  std::uint64_t retransmitted = 0;
  std::uint64_t keys_wanted = 0;
  std::uint64_t estimate = 0; ///< the browser's REMB, bit/s; 0: none yet
  std::uint8_t fraction_lost = 0;
  std::chrono::microseconds round_trip{0};
};

class peer : public std::enable_shared_from_this<peer> {
public:
  peer(peer_pool& pool, peer_handlers on, steady_time now);
  ~peer();
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;

  /// The offer for the browser.
  std::string offer() const;
  /// The browser's answer; refused with a reason, after which the peer is closed.
  result<void> accept(std::string_view sdp);
  /// One binary message on `data`; false: not open, or its buffer is full.
  bool send(bytes_view message);
  void close();

  /// Switch what this viewer gets; a viewer without video is not counted for the encoder.
  void set_wanted(bool video, bool audio);
  bool wants_video() const noexcept { return video_; }
  bool wants_audio() const noexcept { return audio_ && (!answer_ || answer_->audio); }
  peer_state state() const noexcept { return state_; }
  const peer_statistics& statistics() const noexcept { return statistics_; }

private:
  friend class peer_pool;

  // Called by the pool.
  bool on_check(bytes_view message, const stun_request& request, const udp_endpoint& from,
                steady_time now);
  void on_dtls(bytes_view datagram);
  void on_media(bytes_span datagram, steady_time now);
  void on_tick(steady_time now);
  void send_video(const std::vector<const video_packet*>& packets);
  void send_audio(const encoded_frame& frame);

  void advance(dtls_session::phase phase);
  void establish();
  void on_feedback(const rtcp_feedback& feedback, steady_time now);
  void resend(const video_packet& packet);
  void fail(errc code, std::string reason);
  void release();

  struct stream_clock {
    std::uint32_t timestamp = 0;
    std::chrono::system_clock::time_point captured;
    std::uint32_t packets = 0;
    std::uint32_t octets = 0;
  };

  void send_report(const stream_clock& clock, std::uint32_t ssrc, std::uint64_t rate);

  peer_pool& pool_;
  peer_handlers on_;
  steady_time born_;
  peer_state state_ = peer_state::waiting;
  ice_agent ice_;
  std::unique_ptr<dtls_session> dtls_;
  std::unique_ptr<srtp_session> srtp_;
  std::unique_ptr<sctp_association> sctp_;
  std::optional<answer> answer_;
  bool video_ = true;
  bool audio_ = true;
  bool needs_key_ = true;
  viewer_sequence sequence_;
  std::uint16_t rtx_sequence_ = 1;
  std::uint16_t audio_sequence_ = 1;
  stream_clock video_clock_;
  stream_clock audio_clock_;
  steady_time last_report_{};
  double resend_tokens_ = 0; ///< packets that may still be resent
  steady_time resend_filled_{};
  peer_statistics statistics_;
};

using peer_ptr = std::shared_ptr<peer>;

} // namespace holt::stream
