// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_reader.hpp"

#include "transport/url.hpp"

#include <algorithm>
#include <cstring>

namespace holt::http {

namespace {

constexpr unsigned op_text = 1;
constexpr unsigned op_close = 8;
constexpr unsigned op_ping = 9;
constexpr std::size_t max_control = 125; ///< bytes
/// Room that a frame's announced length gets at once; more comes as it really arrives.
constexpr std::size_t trusted_length = 64 * 1024;

/// `at`: how many bytes of the frame went before.
void unmask(char* data, std::size_t n, const std::array<unsigned char, 4>& key, std::size_t at) {
  std::array<unsigned char, 8> turned{};
  for (std::size_t i = 0; i < 8; ++i)
    turned[i] = key[(at + i) % 4];
  std::uint64_t wide = 0;
  std::memcpy(&wide, turned.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    std::uint64_t w = 0;
    std::memcpy(&w, data + i, 8);
    w ^= wide;
    std::memcpy(data + i, &w, 8);
  }
  for (; i < n; ++i)
    data[i] = static_cast<char>(static_cast<unsigned char>(data[i]) ^ turned[i % 8]);
}

bool is_utf8_text(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t w = 0;
    std::memcpy(&w, text.data() + i, 8);
    if ((w & 0x8080808080808080ull) != 0)
      break;
  }
  return url::valid_utf8(text.substr(i));
}

bool receivable(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
         || (code >= 3000 && code <= 4999);
}

} // namespace

ws_reader::step ws_reader::fail(std::uint16_t code, const char* why) noexcept {
  code_ = code;
  why_ = why;
  return step::fault;
}

std::size_t ws_reader::head_size() const noexcept {
  if (have_ < 2)
    return 2;
  const auto length = head_[1] & 0x7fu;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4u;
}

ws_reader::step ws_reader::next(std::string_view& bytes) {
  while (true) {
    if (!in_payload_) {
      while (have_ < head_size()) {
        if (bytes.empty())
          return step::more;
        head_[have_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (have_ == 2) {
          // What is wrong already is said before the rest came.
          if ((head_[0] & 0x70u) != 0)
            return fail(1002, "a reserved bit is set");
          const auto op = head_[0] & 0x0fu;
          if ((op > 2 && op < 8) || op > 10)
            return fail(1002, "a reserved opcode");
          if ((head_[1] & 0x80u) == 0)
            return fail(1002, "a frame that is not masked");
          if (op >= 8 && ((head_[0] & 0x80u) == 0 || (head_[1] & 0x7fu) > max_control))
            return fail(1002, "a control frame in parts or too large");
          if (op == 0 && !fragmented_)
            return fail(1002, "a continuation of nothing");
          if ((op == 1 || op == 2) && fragmented_)
            return fail(1002, "a new message inside another");
        }
      }
      if (const auto got = head_done(); got == step::fault)
        return got;
    }
    const bool control = (head_[0] & 0x08u) != 0;
    auto& into = control ? control_ : message_;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    const auto from = into.size();
    into.append(bytes.substr(0, n));
    unmask(into.data() + from, n, key_, masked_);
    bytes.remove_prefix(n);
    masked_ += n;
    left_ -= n;
    if (left_ > 0)
      return step::more;
    if (const auto got = frame_done(); got != step::more)
      return got;
  }
}

ws_reader::step ws_reader::head_done() {
  const auto form = head_[1] & 0x7fu;
  std::size_t at = 2;
  std::uint64_t length = form;
  if (form >= 126) {
    const std::size_t more = form == 126 ? 2 : 8;
    length = 0;
    for (std::size_t i = 0; i < more; ++i)
      length = length << 8 | head_[at++];
    if (length < 126 || (form == 127 && length < 65536))
      return fail(1002, "a length that is not in its shortest form");
  }
  for (auto& one : key_)
    one = head_[at++];
  const bool control = (head_[0] & 0x08u) != 0;
  if (!control && (length > max_message_ || message_.size() + length > max_message_))
    return fail(1009, "the peer sent a message that is too large");
  left_ = length;
  masked_ = 0;
  in_payload_ = true;
  if (control)
    control_.clear();
  else
    message_.reserve(message_.size()
                     + static_cast<std::size_t>(std::min<std::uint64_t>(length, trusted_length)));
  return step::more;
}

ws_reader::step ws_reader::frame_done() {
  have_ = 0;
  in_payload_ = false;
  const auto op = head_[0] & 0x0fu;
  const bool fin = (head_[0] & 0x80u) != 0;
  if (op < 8) {
    if (op != 0)
      first_op_ = static_cast<std::uint8_t>(op);
    fragmented_ = !fin;
    if (!fin)
      return step::more;
    out_.clear();
    out_.swap(message_);
    if (first_op_ != op_text)
      return step::binary;
    if (!is_utf8_text(out_))
      return fail(1007, "the peer sent malformed UTF-8");
    return step::text;
  }
  out_.clear();
  out_.swap(control_);
  if (op == op_ping)
    return step::ping;
  if (op != op_close)
    return step::pong;
  code_ = 1005;
  if (out_.empty())
    return step::close;
  if (out_.size() < 2)
    return fail(1002, "a close frame with half a code");
  const auto code
    = static_cast<unsigned char>(out_[0]) * 256u + static_cast<unsigned char>(out_[1]);
  out_.erase(0, 2);
  if (!receivable(code))
    return fail(1002, "a close frame with a code that may not be sent");
  if (!is_utf8_text(out_))
    return fail(1007, "the peer sent malformed UTF-8");
  code_ = static_cast<std::uint16_t>(code);
  return step::close;
}

ws_head ws_server_head(unsigned opcode, std::size_t payload) noexcept {
  ws_head out;
  const auto put = [&](std::uint64_t byte) { out.bytes[out.size++] = static_cast<char>(byte); };
  put(0x80u | opcode);
  if (payload < 126) {
    put(payload);
  } else if (payload < 65536) {
    put(126);
    put(payload >> 8);
    put(payload & 0xff);
  } else {
    put(127);
    for (int shift = 56; shift >= 0; shift -= 8)
      put(static_cast<std::uint64_t>(payload) >> shift & 0xff);
  }
  return out;
}

} // namespace holt::http
