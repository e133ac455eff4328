// SPDX-License-Identifier: Apache-2.0
#include "stream/rtp.hpp"

namespace holt::stream {

std::vector<const video_packet*> rtp_history::add(frame_ptr frame) {
  std::vector<const video_packet*> made;
  auto slices = split_vp8(frame->data.size());
  if (slices.empty() || slices.size() > capacity)
    return made; // a picture of more than 1.1 MB would overwrite itself
  made.reserve(slices.size());
  picture_id_ = static_cast<std::uint16_t>((picture_id_ + 1) & 0x7fff);
  for (std::size_t i = 0; i < slices.size(); ++i) {
    auto& slot = ring_[next_ % capacity];
    slot = {frame, slices[i], next_, picture_id_, i == 0, i + 1 == slices.size()};
    ++next_;
    made.push_back(&slot);
  }
  return made;
}

const video_packet* rtp_history::find(std::uint16_t sequence) const noexcept {
  const auto& slot = ring_[sequence % capacity];
  return slot.frame && slot.sequence == sequence ? &slot : nullptr;
}

void rtp_history::clear() {
  for (auto& slot : ring_)
    slot.frame.reset();
}

std::uint32_t abs_send_time(std::chrono::system_clock::time_point when) noexcept {
  using namespace std::chrono;
  auto ns = static_cast<std::uint64_t>(duration_cast<nanoseconds>(when.time_since_epoch()).count());
  auto seconds = ns / 1'000'000'000;
  auto fraction = ((ns % 1'000'000'000) << 18) / 1'000'000'000;
  return static_cast<std::uint32_t>((seconds << 18 | fraction) & 0xffffff);
}

void write_rtp_header(byte_writer& out, const rtp_fields& fields, rtp_extensions extensions,
                      std::uint32_t send_time) noexcept {
  bool extended = extensions.abs_send_time || extensions.playout_delay;
  out.u8(static_cast<std::uint8_t>(0x80 | (extended ? 0x10 : 0)));
  out.u8(static_cast<std::uint8_t>((fields.marker ? 0x80 : 0) | fields.payload_type));
  out.u16(fields.sequence);
  out.u32(fields.timestamp);
  out.u32(fields.ssrc);
  if (!extended)
    return;
  // One-byte form (RFC 8285); each of the two elements takes one word.
  out.u16(0xBEDE);
  out.u16(
    static_cast<std::uint16_t>(int{extensions.abs_send_time} + int{extensions.playout_delay}));
  if (extensions.abs_send_time) {
    out.u8(abs_send_time_id << 4 | 2);
    out.u24(send_time);
  }
  if (extensions.playout_delay) {
    out.u8(playout_delay_id << 4 | 2);
    out.u24(0); // minimum and maximum 0: show at once, no jitter buffer
  }
}

void write_video_payload(byte_writer& out, const video_packet& packet) noexcept {
  out.bytes(vp8_descriptor(packet.first, packet.picture_id));
  out.bytes(bytes_view{packet.frame->data}.subspan(packet.slice.offset, packet.slice.size));
}

std::uint16_t viewer_sequence::map(std::uint16_t shared) noexcept {
  auto own = static_cast<std::uint16_t>(shared + shift_);
  next_own_ = static_cast<std::uint16_t>(own + 1);
  return own;
}

void viewer_sequence::resume(std::uint16_t shared) noexcept {
  shift_ = static_cast<std::uint16_t>(next_own_ - shared);
  first_own_ = next_own_;
}

std::optional<std::uint16_t> viewer_sequence::shared(std::uint16_t own) const noexcept {
  auto since = static_cast<std::uint16_t>(own - first_own_);
  auto sent = static_cast<std::uint16_t>(next_own_ - first_own_);
  // After 2^15 packets without a pause the distance wraps; the ring is far shorter than that.
  if (since >= sent && sent < 0x8000)
    return std::nullopt;
  return static_cast<std::uint16_t>(own - shift_);
}

} // namespace holt::stream
