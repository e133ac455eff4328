// SPDX-License-Identifier: Apache-2.0
#pragma once

// DTLS 1.2 as server: the engine's certificate (dtls_identity, made at start, one for all) and one
// viewer's connection (dtls_session). Owned by pool and peer; io thread. It sends through a
// callback, one datagram per call, and exports keys only of a peer whose certificate was compared
// with the answer's fingerprint; handshake and answer may come in either order.

#include "messages/error.hpp"
#include "stream/byte_io.hpp"
#include "stream/sdp.hpp"

#include <functional>
#include <memory>
#include <optional>

struct ssl_ctx_st;
struct ssl_st;
struct bio_method_st;

namespace holt::stream {

/// Keys for SRTP (RFC 5764): a key and a salt for each direction, in that order.
struct srtp_keys {
  bool gcm = false;                   ///< AEAD_AES_128_GCM, else AES128_CM_SHA1_80
  std::vector<std::uint8_t> inbound;  ///< what the browser encrypts with: key, salt
  std::vector<std::uint8_t> outbound; ///< what we encrypt with: key, salt
};

class dtls_identity {
public:
  /// A new P-256 key and a self-signed certificate.
  static result<std::shared_ptr<dtls_identity>> make();
  ~dtls_identity();
  dtls_identity(const dtls_identity&) = delete;
  dtls_identity& operator=(const dtls_identity&) = delete;

  const fingerprint& certificate() const noexcept { return fingerprint_; }

private:
  friend class dtls_session;
  dtls_identity() = default;
  ssl_ctx_st* context_ = nullptr;
  bio_method_st* io_ = nullptr;
  fingerprint fingerprint_{};
};

class dtls_session {
public:
  enum class phase { handshake, established, closed, failed };
  using sender = std::function<void(bytes_view)>;

  /// `send` takes a datagram; `data` takes application data. Neither may destroy the session.
  static result<std::unique_ptr<dtls_session>> make(std::shared_ptr<dtls_identity> identity,
                                                    sender send, sender data);
  ~dtls_session();
  dtls_session(const dtls_session&) = delete;
  dtls_session& operator=(const dtls_session&) = delete;

  /// The certificate that the answer promises. False when another one was already shown.
  bool expect(const fingerprint& certificate);

  /// One datagram of the browser; answers the phase after it.
  phase receive(bytes_view datagram);

  /// Repeats a flight that was lost; call every now and then while in the handshake.
  phase tick();

  /// True when the handshake is done and the certificate is the expected one.
  bool verified() const noexcept;

  /// Only when verified.
  result<srtp_keys> export_keys() const;

  /// Application data; false when it could not be sent.
  bool write(bytes_view data);

  /// Sends close_notify, once.
  void close();

  phase now() const noexcept { return phase_; }
  /// Why it failed; empty otherwise.
  const std::string& reason() const noexcept { return reason_; }

private:
  friend struct dtls_callbacks;
  dtls_session(std::shared_ptr<dtls_identity> identity, sender send, sender data);
  phase run();
  phase fail(std::string why);

  std::shared_ptr<dtls_identity> identity_;
  sender send_;
  sender data_;
  ssl_st* ssl_ = nullptr;
  bytes_view pending_; ///< the datagram being read; empty outside of receive()
  std::optional<fingerprint> expected_;
  std::optional<fingerprint> shown_;
  phase phase_ = phase::handshake;
  bool closing_ = false;
  std::string reason_;
};

} // namespace holt::stream
