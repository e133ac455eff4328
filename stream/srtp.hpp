// SPDX-License-Identifier: Apache-2.0
#pragma once

// Encryption of media for one viewer (libsrtp2). Owned by a peer; io thread. Every RTP packet is
// protected at most once: a retransmission is a new packet of the RTX stream, because the same
// sequence number with other bytes would repeat a GCM nonce.

#include "messages/error.hpp"
#include "stream/byte_io.hpp"
#include "stream/dtls.hpp"

#include <memory>
#include <set>

struct srtp_ctx_t_;

namespace holt::stream {

class srtp_session {
public:
  /// Bytes that protect() may add.
  static constexpr std::size_t overhead = 32;

  static result<std::unique_ptr<srtp_session>> make(const srtp_keys& keys);
  ~srtp_session();
  srtp_session(const srtp_session&) = delete;
  srtp_session& operator=(const srtp_session&) = delete;

  /// Encrypts the first `size` bytes of `packet` in place; answers the new size, 0 on failure.
  std::size_t protect(bytes_span packet, std::size_t size);
  std::size_t protect_rtcp(bytes_span packet, std::size_t size);

  /// Decrypts in place; answers the new size, 0 when the packet is not genuine or a repetition.
  std::size_t unprotect_rtcp(bytes_span packet);

private:
  srtp_session() = default;
  srtp_ctx_t_* outbound_ = nullptr;
  srtp_ctx_t_* inbound_ = nullptr;
  static constexpr std::size_t most_senders = 8;
  std::set<std::uint32_t> senders_; ///< SSRCs whose RTCP was authentic
};

} // namespace holt::stream
