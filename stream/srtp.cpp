// SPDX-License-Identifier: Apache-2.0
#include "stream/srtp.hpp"

#include <cstring>
#include <srtp2/srtp.h>

namespace holt::stream {

namespace {

// SRTCP adds its index and a tag; the tag is at most 16 bytes with these profiles.
static_assert(srtp_session::overhead >= 16 + 4);

srtp_t create(const srtp_keys& keys, bool outbound) {
  static const bool ready = srtp_init() == srtp_err_status_ok;
  if (!ready)
    return nullptr;
  srtp_policy_t policy{};
  if (keys.gcm) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
    srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
  }
  policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
  auto key = outbound ? keys.outbound : keys.inbound;
  policy.key = key.data();
  policy.window_size = 1024;
  srtp_t out = nullptr;
  return srtp_create(&out, &policy) == srtp_err_status_ok ? out : nullptr;
}

} // namespace

result<std::unique_ptr<srtp_session>> srtp_session::make(const srtp_keys& keys) {
  std::unique_ptr<srtp_session> out{new srtp_session};
  out->outbound_ = create(keys, true);
  out->inbound_ = create(keys, false);
  if (out->outbound_ == nullptr || out->inbound_ == nullptr)
    return error{errc::internal, "SRTP could not be set up"};
  return out;
}

srtp_session::~srtp_session() {
  if (outbound_ != nullptr)
    srtp_dealloc(outbound_);
  if (inbound_ != nullptr)
    srtp_dealloc(inbound_);
}

std::size_t srtp_session::protect(bytes_span packet, std::size_t size) {
  if (size + overhead > packet.size())
    return 0;
  int n = static_cast<int>(size);
  return srtp_protect(outbound_, packet.data(), &n) == srtp_err_status_ok
           ? static_cast<std::size_t>(n)
           : 0;
}

std::size_t srtp_session::protect_rtcp(bytes_span packet, std::size_t size) {
  if (size + overhead > packet.size())
    return 0;
  int n = static_cast<int>(size);
  return srtp_protect_rtcp(outbound_, packet.data(), &n) == srtp_err_status_ok
           ? static_cast<std::size_t>(n)
           : 0;
}

std::size_t srtp_session::unprotect_rtcp(bytes_span packet) {
  int n = static_cast<int>(packet.size());
  if (n < 8)
    return 0;
  // libsrtp keeps a stream for every sender it ever heard: a browser has two or three.
  std::uint32_t sender = 0;
  std::memcpy(&sender, packet.data() + 4, sizeof sender);
  if (!senders_.contains(sender) && senders_.size() >= most_senders)
    return 0;
  if (srtp_unprotect_rtcp(inbound_, packet.data(), &n) != srtp_err_status_ok)
    return 0;
  senders_.insert(sender);
  return static_cast<std::size_t>(n);
}

} // namespace holt::stream
