// SPDX-License-Identifier: Apache-2.0
#pragma once

// A browser's side of one media connection, as far as the tests need it: ICE checks, a DTLS client
// and SRTP in. Synchronous on one UDP socket of loopback; the engine's io_context is turned by the
// test between the calls.

#include "stream/sdp.hpp"
#include "stream/srtp.hpp"
#include "stream/stun.hpp"

#include <boost/asio/io_context.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <srtp2/srtp.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace holt::test {

class fake_browser {
public:
  explicit fake_browser(boost::asio::io_context& io)
    : socket_(io, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    socket_.non_blocking(true);
    key_ = EVP_EC_gen("P-256");
    certificate_ = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_sign(certificate_, key_, EVP_sha256());
    unsigned n = 0;
    X509_digest(certificate_, EVP_sha256(), print.data(), &n);
    context_ = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_use_certificate(context_, certificate_);
    SSL_CTX_use_PrivateKey(context_, key_);
    SSL_CTX_set_tlsext_use_srtp(context_, "SRTP_AEAD_AES_128_GCM");
    SSL_CTX_set_options(context_, SSL_OP_NO_QUERY_MTU);
    ssl_ = SSL_new(context_);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_mtu(ssl_, 1200);
    SSL_set_connect_state(ssl_);
  }

  ~fake_browser() {
    for (auto* one : {srtp_, srtp_out_})
      if (one != nullptr)
        srtp_dealloc(one);
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }

  fake_browser(const fake_browser&) = delete;
  fake_browser& operator=(const fake_browser&) = delete;

  /// Remembers credentials and address of an offer.
  void take(const std::string& offer) {
    ufrag_ = after(offer, "a=ice-ufrag:");
    password_ = after(offer, "a=ice-pwd:");
    auto candidate = after(offer, "a=candidate:");
    auto port = candidate.substr(candidate.find("127.0.0.1 ") + 10);
    to_ = {boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))};
  }

  std::string answer() const {
    const std::string transport = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901234\r\n"
                                  "a=fingerprint:sha-256 "
                                  + stream::to_text(print) + "\r\na=setup:active\r\n";
    return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
           "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
           + transport + "a=mid:0\r\na=recvonly\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
           + transport + "a=mid:1\r\na=recvonly\r\n"
           + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + transport + "a=mid:2\r\n";
  }

  /// One nominated check.
  void check() {
    std::array<std::uint8_t, 256> bytes{};
    stream::byte_writer w{bytes};
    auto user = ufrag_ + ":abcd";
    w.u16(1);
    w.u16(0);
    w.u32(0x2112A442);
    w.zeros(12);
    w.u16(6);
    w.u16(static_cast<std::uint16_t>(user.size()));
    w.bytes(stream::as_bytes_view(user));
    w.zeros((4 - user.size() % 4) % 4);
    w.u32(0x00250000); // USE-CANDIDATE
    w.patch_u16(2, static_cast<std::uint16_t>(w.size() - 20 + 24));
    std::array<std::uint8_t, 20> proof{};
    unsigned n = 0;
    HMAC(EVP_sha1(), password_.data(), static_cast<int>(password_.size()), bytes.data(), w.size(),
         proof.data(), &n);
    w.u32(0x00080014);
    w.bytes(proof);
    w.patch_u16(2, static_cast<std::uint16_t>(w.size() - 20 + 8));
    auto crc = stream::crc32(w.written()) ^ 0x5354554eU;
    w.u32(0x80280004);
    w.u32(crc);
    socket_.send_to(boost::asio::buffer(bytes, w.size()), to_);
  }

  /// Reads what has come, answers DTLS, collects decrypted RTP.
  void turn() {
    std::array<std::uint8_t, 2048> bytes{};
    boost::system::error_code nothing;
    for (;;) {
      auto n = socket_.receive(boost::asio::buffer(bytes), 0, nothing);
      if (nothing)
        break;
      if (bytes[0] < 4)
        ++checks_answered;
      else if (bytes[0] < 64)
        BIO_write(in_, bytes.data(), static_cast<int>(n));
      else
        media(bytes.data(), static_cast<int>(n));
      advance();
    }
    advance();
  }

  bool established() const { return SSL_is_init_finished(ssl_) != 0; }

  /// Starts the handshake, once there is a route.
  void begin() { started_ = true; }

  /// Encrypted RTCP to the engine.
  void send_rtcp(std::vector<std::uint8_t> bytes) {
    auto n = static_cast<int>(bytes.size());
    bytes.resize(bytes.size() + 64);
    if (srtp_out_ == nullptr || srtp_protect_rtcp(srtp_out_, bytes.data(), &n) != 0)
      throw std::runtime_error{"no SRTP"};
    socket_.send_to(boost::asio::buffer(bytes, static_cast<std::size_t>(n)), to_);
  }

  stream::fingerprint print{};
  int checks_answered = 0;
  std::vector<std::vector<std::uint8_t>> packets; ///< decrypted RTP

private:
  static std::string after(const std::string& text, const std::string& prefix) {
    auto at = text.find(prefix);
    if (at == std::string::npos)
      throw std::runtime_error{"no " + prefix};
    at += prefix.size();
    return text.substr(at, text.find("\r\n", at) - at);
  }

  void advance() {
    if (!started_)
      return;
    if (!established())
      SSL_do_handshake(ssl_);
    if (established() && srtp_ == nullptr)
      keys();
    std::array<char, 4096> waste{};
    while (established() && SSL_read(ssl_, waste.data(), static_cast<int>(waste.size())) > 0) {
    }
    char* data = nullptr;
    if (auto n = BIO_get_mem_data(out_, &data); n > 0) {
      socket_.send_to(boost::asio::buffer(data, static_cast<std::size_t>(n)), to_);
      BIO_reset(out_);
    }
  }

  void keys() {
    std::array<unsigned char, 56> m{};
    const std::string label = "EXTRACTOR-dtls_srtp";
    SSL_export_keying_material(ssl_, m.data(), m.size(), label.data(), label.size(), nullptr, 0, 0);
    auto make = [&](std::size_t key, std::size_t salt, srtp_ssrc_type_t type) {
      std::array<unsigned char, 28> both{};
      std::copy_n(m.begin() + key, 16, both.begin());
      std::copy_n(m.begin() + salt, 12, both.begin() + 16);
      srtp_policy_t policy{};
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      policy.ssrc.type = type;
      policy.key = both.data();
      srtp_t out = nullptr;
      srtp_create(&out, &policy);
      return out;
    };
    // libsrtp may be initialised once only, and the engine does it.
    const std::vector<std::uint8_t> any(28);
    (void)stream::srtp_session::make({true, any, any});
    srtp_ = make(16, 44, ssrc_any_inbound);
    srtp_out_ = make(0, 32, ssrc_any_outbound);
  }

  void media(std::uint8_t* bytes, int n) {
    if (srtp_ != nullptr && bytes[1] != 200 && srtp_unprotect(srtp_, bytes, &n) == 0)
      packets.emplace_back(bytes, bytes + n);
  }

  boost::asio::ip::udp::socket socket_;
  stream::udp_endpoint to_;
  std::string ufrag_;
  std::string password_;
  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  srtp_t srtp_ = nullptr;
  srtp_t srtp_out_ = nullptr;
  bool started_ = false;
};

} // namespace holt::test
