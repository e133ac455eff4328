// SPDX-License-Identifier: Apache-2.0
#pragma once

// RTP of the engine: packets of the shared pictures, the ring of the newest 1,024 of them for
// retransmission, and the bytes of one packet for one viewer. Pure; owned by the peer pool; runs on
// the io thread; it never encrypts and never sends.

#include "stream/byte_io.hpp"
#include "stream/media.hpp"
#include "stream/vp8_packetizer.hpp"

#include <array>
#include <optional>

namespace holt::stream {

inline constexpr std::uint8_t audio_payload_type = 111;
inline constexpr std::uint8_t video_payload_type = 96;
inline constexpr std::uint8_t rtx_payload_type = 97;
inline constexpr std::uint8_t abs_send_time_id = 2;
inline constexpr std::uint8_t playout_delay_id = 5;

/// One packet of a picture, not yet bound to a viewer.
struct video_packet {
  frame_ptr frame;
  vp8_slice slice;
  std::uint16_t sequence = 0; ///< in the shared numbering
  std::uint16_t picture_id = 0;
  bool first = false;
  bool last = false; ///< RTP marker
};

/// The newest packets by shared sequence number.
class rtp_history {
public:
  static constexpr std::size_t capacity = 1024;

  /// Split a picture and give its packets the next numbers. The answer points into the ring and is
  /// valid until the next call.
  std::vector<const video_packet*> add(frame_ptr frame);

  /// The packet with this number; null when it is too old or was never made.
  const video_packet* find(std::uint16_t sequence) const noexcept;

  /// The number that the next packet will have.
  std::uint16_t next() const noexcept { return next_; }

  /// Forget every packet: nobody is left who could ask.
  void clear();

private:
  std::array<video_packet, capacity> ring_{};
  std::uint16_t next_ = 1;
  std::uint16_t picture_id_ = 0;
};

/// Which header extensions the answer took.
struct rtp_extensions {
  bool abs_send_time = false;
  bool playout_delay = false;
  friend bool operator==(const rtp_extensions&, const rtp_extensions&) = default;
};

/// abs-send-time of a moment: seconds in 6.18 fixed point, 24 bits.
std::uint32_t abs_send_time(std::chrono::system_clock::time_point when) noexcept;

struct rtp_fields {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
};

/// Header and extensions of one packet.
void write_rtp_header(byte_writer& out, const rtp_fields& fields, rtp_extensions extensions,
                      std::uint32_t send_time) noexcept;

/// Descriptor and slice of a picture.
void write_video_payload(byte_writer& out, const video_packet& packet) noexcept;

/// The numbers that one viewer sees: gap-free although it is left out while it waits for a key
/// frame or has its video switched off, so that it never asks for what was not sent.
class viewer_sequence {
public:
  /// The viewer's number of a packet; packets come in order, `resume` after every pause.
  std::uint16_t map(std::uint16_t shared) noexcept;
  /// The packets from `shared` on are sent again.
  void resume(std::uint16_t shared) noexcept;
  /// The shared number of the packet that the viewer knows as `own`; nothing for packets from
  /// before the last resume.
  std::optional<std::uint16_t> shared(std::uint16_t own) const noexcept;

private:
  std::uint16_t next_own_ = 1;
  std::uint16_t first_own_ = 1;
  std::uint16_t shift_ = 0; ///< own = shared + shift
};

} // namespace holt::stream
