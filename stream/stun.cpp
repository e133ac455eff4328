// SPDX-License-Identifier: Apache-2.0
#include "stream/stun.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <vector>

namespace holt::stream {

namespace {

constexpr std::uint32_t magic_cookie = 0x2112A442;
constexpr std::uint32_t fingerprint_xor = 0x5354554e;
constexpr std::size_t header_bytes = 20;
constexpr std::size_t integrity_bytes = 20;
constexpr std::size_t largest_message = 1500;

enum attribute : std::uint16_t {
  username = 0x0006,
  message_integrity = 0x0008,
  xor_mapped_address = 0x0020,
  priority = 0x0024,
  use_candidate = 0x0025,
  fingerprint = 0x8028,
};

using digest = std::array<std::uint8_t, integrity_bytes>;

digest hmac_sha1(std::string_view password, bytes_view data) {
  digest out{};
  unsigned n = 0;
  HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()), data.data(), data.size(),
       out.data(), &n);
  return out;
}

error bad(const char* why) {
  return {errc::invalid_request, why};
}

constexpr auto crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto c = i;
    for (int bit = 0; bit < 8; ++bit)
      c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}();

} // namespace

std::uint32_t crc32(bytes_view data) noexcept {
  auto c = ~std::uint32_t{0};
  for (auto byte : data)
    c = crc_table[(c ^ byte) & 0xff] ^ (c >> 8);
  return ~c;
}

result<stun_request> parse_stun_request(bytes_view message) {
  if (message.size() > largest_message)
    return bad("STUN message too long");
  byte_reader in{message};
  if (in.u16() != 0x0001)
    return bad("not a binding request");
  if (in.u16() + header_bytes != message.size())
    return bad("STUN length is wrong");
  if (in.u32() != magic_cookie)
    return bad("no STUN cookie");
  stun_request out;
  auto id = in.bytes(out.transaction.size());
  if (!in.ok())
    return bad("short STUN message");
  std::copy(id.begin(), id.end(), out.transaction.begin());
  bool proven = false;
  while (in.left() > 0) {
    auto at = in.offset();
    auto type = in.u16();
    auto size = in.u16();
    auto value = in.bytes(size);
    in.skip((4 - size % 4) % 4);
    if (!in.ok())
      return bad("short STUN attribute");
    if (type == attribute::fingerprint) {
      byte_reader crc{value};
      if (in.left() != 0 || size != 4 || crc.u32() != (crc32(message.first(at)) ^ fingerprint_xor))
        return bad("wrong STUN fingerprint");
      proven = true;
    } else if (out.integrity_at != 0) {
      continue; // only FINGERPRINT counts behind MESSAGE-INTEGRITY
    } else if (type == attribute::username) {
      out.username = as_text(value);
    } else if (type == attribute::use_candidate) {
      out.use_candidate = true;
    } else if (type == attribute::priority) {
      byte_reader number{value};
      out.priority = number.u32();
    } else if (type == attribute::message_integrity) {
      if (size != integrity_bytes)
        return bad("wrong STUN integrity size");
      out.integrity_at = at;
    }
  }
  if (!proven || out.integrity_at == 0 || out.username.empty())
    return bad("STUN request without credentials");
  return out;
}

bool stun_integrity_holds(bytes_view message, const stun_request& request,
                          std::string_view password) {
  auto at = request.integrity_at;
  if (at < header_bytes || at + 4 + integrity_bytes > message.size()
      || message.size() > largest_message)
    return false;
  std::array<std::uint8_t, largest_message> copy{};
  std::copy_n(message.begin(), at, copy.begin());
  // The length counts up to the end of this attribute.
  auto length = static_cast<std::uint16_t>(at - header_bytes + 4 + integrity_bytes);
  copy[2] = static_cast<std::uint8_t>(length >> 8);
  copy[3] = static_cast<std::uint8_t>(length);
  auto want = hmac_sha1(password, bytes_view{copy}.first(at));
  return CRYPTO_memcmp(want.data(), message.data() + at + 4, want.size()) == 0;
}

std::size_t write_stun_success(bytes_span out, const transaction_id& transaction,
                               const udp_endpoint& mapped, std::string_view password) {
  byte_writer w{out};
  w.u16(0x0101);
  w.u16(0);
  w.u32(magic_cookie);
  w.bytes(transaction);
  auto port = static_cast<std::uint16_t>(mapped.port() ^ (magic_cookie >> 16));
  w.u16(attribute::xor_mapped_address);
  if (mapped.address().is_v4()) {
    w.u16(8);
    w.u16(1);
    w.u16(port);
    w.u32(mapped.address().to_v4().to_uint() ^ magic_cookie);
  } else {
    w.u16(20);
    w.u16(2);
    w.u16(port);
    auto raw = mapped.address().to_v6().to_bytes();
    std::array<std::uint8_t, 16> mask{0x21, 0x12, 0xA4, 0x42};
    std::copy(transaction.begin(), transaction.end(), mask.begin() + 4);
    for (std::size_t i = 0; i < raw.size(); ++i)
      w.u8(static_cast<std::uint8_t>(raw[i] ^ mask[i]));
  }
  auto patch_length = [&](std::size_t more) {
    w.patch_u16(2, static_cast<std::uint16_t>(w.size() - header_bytes + more));
  };
  patch_length(4 + integrity_bytes);
  auto proof = hmac_sha1(password, w.written());
  w.u16(attribute::message_integrity);
  w.u16(integrity_bytes);
  w.bytes(proof);
  patch_length(8);
  auto crc = crc32(w.written()) ^ fingerprint_xor;
  w.u16(attribute::fingerprint);
  w.u16(4);
  w.u32(crc);
  return w.ok() ? w.size() : 0;
}

} // namespace holt::stream
