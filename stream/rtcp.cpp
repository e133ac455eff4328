// SPDX-License-Identifier: Apache-2.0
#include "stream/rtcp.hpp"

#include <limits>

namespace holt::stream {

namespace {

constexpr std::size_t most_lost = 1024;
constexpr std::uint64_t ntp_epoch_offset = 2'208'988'800; ///< seconds from 1900 to 1970

enum packet_type : std::uint8_t {
  sender_report_type = 200,
  receiver_report_type = 201,
  source_description = 202,
  goodbye = 203,
  transport_feedback = 205,
  payload_feedback = 206,
};

void read_reports(byte_reader body, unsigned count, std::uint32_t video_ssrc, rtcp_feedback& out) {
  for (unsigned i = 0; i < count; ++i) {
    auto ssrc = body.u32();
    rtcp_feedback::report one;
    one.fraction_lost = body.u8();
    body.skip(3 + 4 + 4); // total lost, highest number, jitter
    one.last_sr = body.u32();
    one.delay = body.u32();
    if (!body.ok())
      return;
    if (ssrc == video_ssrc)
      out.video = one;
  }
}

void read_nacks(byte_reader body, rtcp_feedback& out) {
  while (body.left() >= 4) {
    auto first = body.u16();
    auto more = body.u16();
    for (unsigned i = 0; i < 17; ++i)
      if ((i == 0 || (more >> (i - 1) & 1) != 0) && out.lost.size() < most_lost)
        out.lost.push_back(static_cast<std::uint16_t>(first + i));
  }
}

void read_remb(byte_reader body, rtcp_feedback& out) {
  if (as_text(body.bytes(4)) != "REMB")
    return;
  body.skip(1); // number of SSRCs
  auto word = body.u24();
  if (!body.ok())
    return;
  auto exponent = word >> 18;
  std::uint64_t mantissa = word & 0x3ffff;
  out.estimate = exponent > 46 ? std::numeric_limits<std::uint64_t>::max() : mantissa << exponent;
}

void read_payload_feedback(byte_reader body, unsigned format, std::uint32_t media,
                           std::uint32_t video_ssrc, rtcp_feedback& out) {
  switch (format) {
  case 1: // PLI
    out.key_wanted = out.key_wanted || media == video_ssrc;
    break;
  case 4: // FIR: the SSRC stands in the entries
    while (body.left() >= 8) {
      out.key_wanted = body.u32() == video_ssrc || out.key_wanted;
      body.skip(4);
    }
    break;
  case 15: read_remb(body, out); break;
  default: break;
  }
}

} // namespace

rtcp_feedback parse_rtcp(bytes_view compound, std::uint32_t video_ssrc) {
  rtcp_feedback out;
  byte_reader in{compound};
  while (in.left() >= 4) {
    auto head = in.u8();
    auto type = in.u8();
    auto words = in.u16();
    auto payload = in.bytes(std::size_t{words} * 4);
    if (!in.ok() || head >> 6 != 2)
      return out;
    unsigned count = head & 31;
    if ((head & 0x20) != 0) { // padding: its length is the last byte
      if (payload.empty() || payload.back() == 0 || payload.back() > payload.size())
        return out;
      payload = payload.first(payload.size() - payload.back());
    }
    byte_reader body{payload};
    body.skip(4); // the sender's SSRC
    if (type == sender_report_type) {
      body.skip(20);
      read_reports(body, count, video_ssrc, out);
    } else if (type == receiver_report_type) {
      read_reports(body, count, video_ssrc, out);
    } else if (type == goodbye) {
      out.bye = true;
    } else if (type == transport_feedback || type == payload_feedback) {
      auto media = body.u32();
      if (!body.ok())
        continue;
      if (type == payload_feedback)
        read_payload_feedback(body, count, media, video_ssrc, out);
      else if (count == 1 && media == video_ssrc)
        read_nacks(body, out);
    }
  }
  return out;
}

std::uint64_t ntp_time(std::chrono::system_clock::time_point when) noexcept {
  using namespace std::chrono;
  auto ns = static_cast<std::uint64_t>(duration_cast<nanoseconds>(when.time_since_epoch()).count());
  auto seconds = ns / 1'000'000'000 + ntp_epoch_offset;
  auto fraction = ((ns % 1'000'000'000) << 32) / 1'000'000'000;
  return seconds << 32 | fraction;
}

std::size_t write_sender_report(bytes_span out, const sender_report& report,
                                std::string_view cname) noexcept {
  byte_writer w{out};
  w.u8(0x80);
  w.u8(sender_report_type);
  w.u16(6);
  w.u32(report.ssrc);
  w.u64(ntp_time(report.now));
  w.u32(report.rtp_timestamp);
  w.u32(report.packets);
  w.u32(report.octets);
  cname = cname.substr(0, 255);
  // SSRC, item type, length, text, at least one zero, to a full word.
  auto items = 2 + cname.size() + 1;
  auto padded = (items + 3) / 4 * 4;
  w.u8(0x81);
  w.u8(source_description);
  w.u16(static_cast<std::uint16_t>(1 + padded / 4));
  w.u32(report.ssrc);
  w.u8(1);
  w.u8(static_cast<std::uint8_t>(cname.size()));
  w.bytes(as_bytes_view(cname));
  w.zeros(padded - items + 1);
  return w.ok() ? w.size() : 0;
}

std::optional<std::chrono::microseconds>
round_trip(const rtcp_feedback::report& report,
           std::chrono::system_clock::time_point now) noexcept {
  if (report.last_sr == 0)
    return std::nullopt;
  auto middle = static_cast<std::uint32_t>(ntp_time(now) >> 16);
  auto units = middle - report.last_sr - report.delay;
  if (units > 0x7fffffff) // the clocks' grain: an answer seemingly before the question
    return std::chrono::microseconds{0};
  return std::chrono::microseconds{std::uint64_t{units} * 1'000'000 / 65'536};
}

} // namespace holt::stream
