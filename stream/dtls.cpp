// SPDX-License-Identifier: Apache-2.0
#include "stream/dtls.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace holt::stream {

namespace {

constexpr int datagram_bytes = 1200;
constexpr long certificate_days = 3650; ///< of a process that runs for months

error crypto_error(const char* what) {
  auto code = ERR_get_error();
  char text[160] = "";
  if (code != 0)
    ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error(); // else the next session's SSL_get_error reports it
  return {errc::internal, std::string{what} + (code != 0 ? std::string{": "} + text : "")};
}

struct release {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
};

fingerprint digest_of(const X509* certificate) {
  fingerprint out{};
  unsigned n = 0;
  X509_digest(certificate, EVP_sha256(), out.data(), &n);
  return out;
}

bool same(const fingerprint& a, const fingerprint& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

result<std::unique_ptr<X509, release>> self_sign(EVP_PKEY* key) {
  std::unique_ptr<X509, release> out{X509_new()};
  std::uint64_t serial = 0;
  if (!out || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return crypto_error("certificate");
  auto* x = out.get();
  auto* name = X509_get_subject_name(x);
  const auto* common = reinterpret_cast<const unsigned char*>("holt-stream");
  if (X509_set_version(x, 2) != 1
      || ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) != 1
      || X509_gmtime_adj(X509_getm_notBefore(x), -86'400) == nullptr
      || X509_gmtime_adj(X509_getm_notAfter(x), 86'400 * certificate_days) == nullptr
      || X509_set_pubkey(x, key) != 1
      || X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) != 1
      || X509_set_issuer_name(x, name) != 1 || X509_sign(x, key, EVP_sha256()) == 0)
    return crypto_error("certificate");
  return out;
}

} // namespace

/// What OpenSSL calls; a friend of the session, so that its header needs no OpenSSL.
struct dtls_callbacks {
  static int index() {
    static const int value = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }

  static dtls_session& of(BIO* bio) { return *static_cast<dtls_session*>(BIO_get_data(bio)); }

  // One call of write is one datagram; a memory BIO would merge records.
  static int write(BIO* bio, const char* data, int n) {
    if (n > 0)
      of(bio).send_({reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(n)});
    return n;
  }

  static int read(BIO* bio, char* out, int n) {
    BIO_clear_retry_flags(bio);
    auto& pending = of(bio).pending_;
    if (pending.empty() || n <= 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    auto size = std::min(pending.size(), static_cast<std::size_t>(n));
    std::copy_n(pending.begin(), size, reinterpret_cast<std::uint8_t*>(out));
    pending = {}; // a datagram is read once; what does not fit is lost, as on a socket
    return static_cast<int>(size);
  }

  static long control(BIO* bio, int command, long, void*) {
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_PENDING: return static_cast<long>(of(bio).pending_.size());
    default: return 0;
    }
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  // Replaces chain building: the certificate is right when the answer named it. Without an answer
  // yet it is noted and compared later, before anything is exported.
  static int verify(X509_STORE_CTX* store, void*) {
    auto* ssl
      = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* self = static_cast<dtls_session*>(SSL_get_ex_data(ssl, index()));
    auto* certificate = X509_STORE_CTX_get0_cert(store);
    if (self == nullptr || certificate == nullptr)
      return 0;
    self->shown_ = digest_of(certificate);
    if (self->expected_ && !same(*self->expected_, *self->shown_)) {
      self->reason_ = "the certificate is not the one of the answer";
      X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
      return 0;
    }
    return 1;
  }
};

result<std::shared_ptr<dtls_identity>> dtls_identity::make() {
  std::shared_ptr<dtls_identity> out{new dtls_identity};
  std::unique_ptr<EVP_PKEY, release> key{EVP_EC_gen("P-256")};
  out->context_ = SSL_CTX_new(DTLS_server_method());
  if (!key || out->context_ == nullptr)
    return crypto_error("DTLS context");
  auto certificate = self_sign(key.get());
  if (!certificate)
    return certificate.error();
  auto* context = out->context_;
  // set_tlsext_use_srtp is the odd one: 0 is success.
  if (SSL_CTX_use_certificate(context, certificate->get()) != 1
      || SSL_CTX_use_PrivateKey(context, key.get()) != 1
      || SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) != 1
      || SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1
      || SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") != 0)
    return crypto_error("DTLS context");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, dtls_callbacks::verify, nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  out->io_ = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "viewer");
  if (out->io_ == nullptr)
    return crypto_error("DTLS context");
  BIO_meth_set_write(out->io_, dtls_callbacks::write);
  BIO_meth_set_read(out->io_, dtls_callbacks::read);
  BIO_meth_set_ctrl(out->io_, dtls_callbacks::control);
  BIO_meth_set_create(out->io_, dtls_callbacks::create);
  out->fingerprint_ = digest_of(certificate->get());
  return out;
}

dtls_identity::~dtls_identity() {
  SSL_CTX_free(context_);
  BIO_meth_free(io_);
}

dtls_session::dtls_session(std::shared_ptr<dtls_identity> identity, sender send, sender data)
  : identity_(std::move(identity)), send_(std::move(send)), data_(std::move(data)) {}

result<std::unique_ptr<dtls_session>> dtls_session::make(std::shared_ptr<dtls_identity> identity,
                                                         sender send, sender data) {
  std::unique_ptr<dtls_session> out{
    new dtls_session{std::move(identity), std::move(send), std::move(data)}};
  out->ssl_ = SSL_new(out->identity_->context_);
  auto* bio = BIO_new(out->identity_->io_);
  if (out->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return crypto_error("DTLS session");
  }
  BIO_set_data(bio, out.get());
  SSL_set_bio(out->ssl_, bio, bio);
  SSL_set_ex_data(out->ssl_, dtls_callbacks::index(), out.get());
  SSL_set_mtu(out->ssl_, datagram_bytes);
  SSL_set_accept_state(out->ssl_);
  return out;
}

dtls_session::~dtls_session() {
  SSL_free(ssl_);
  ERR_clear_error();
}

dtls_session::phase dtls_session::fail(std::string why) {
  if (reason_.empty())
    reason_ = std::move(why);
  phase_ = phase::failed;
  return phase_;
}

bool dtls_session::expect(const fingerprint& certificate) {
  expected_ = certificate;
  if (shown_ && !same(*shown_, certificate)) {
    fail("the certificate is not the one of the answer");
    return false;
  }
  return true;
}

dtls_session::phase dtls_session::receive(bytes_view datagram) {
  if (phase_ == phase::closed || phase_ == phase::failed)
    return phase_;
  pending_ = datagram;
  auto after = run();
  pending_ = {};
  return after;
}

dtls_session::phase dtls_session::run() {
  if (!SSL_is_init_finished(ssl_)) {
    ERR_clear_error();
    auto r = SSL_do_handshake(ssl_);
    if (r != 1) {
      auto why = SSL_get_error(ssl_, r);
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return phase_;
      return fail(crypto_error("DTLS handshake").detail);
    }
    phase_ = phase::established;
  }
  std::array<std::uint8_t, 16'384> buffer; // NOLINT: written before it is read
  for (;;) {
    ERR_clear_error();
    auto n = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    if (n > 0) {
      data_(bytes_view{buffer}.first(static_cast<std::size_t>(n)));
      if (phase_ != phase::established)
        return phase_;
      continue;
    }
    auto why = SSL_get_error(ssl_, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
      return phase_;
    if (why == SSL_ERROR_ZERO_RETURN) { // the page called close()
      phase_ = phase::closed;
      return phase_;
    }
    return fail(crypto_error("DTLS").detail);
  }
}

dtls_session::phase dtls_session::tick() {
  if (phase_ == phase::handshake) {
    ERR_clear_error();
    if (DTLSv1_handle_timeout(ssl_) < 0)
      return fail(crypto_error("DTLS timer").detail);
  }
  return phase_;
}

bool dtls_session::verified() const noexcept {
  return phase_ == phase::established && expected_ && shown_ && same(*expected_, *shown_);
}

result<srtp_keys> dtls_session::export_keys() const {
  if (!verified())
    return error{errc::internal, "no keys of an unverified peer"};
  auto* profile = SSL_get_selected_srtp_profile(ssl_);
  if (profile == nullptr)
    return error{errc::invalid_request, "the browser offered no SRTP profile that we have"};
  srtp_keys out;
  out.gcm = profile->id == SRTP_AEAD_AES_128_GCM;
  constexpr std::size_t key = 16;
  const std::size_t salt = out.gcm ? 12 : 14;
  std::array<std::uint8_t, 60> material{};
  constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  if (SSL_export_keying_material(ssl_, material.data(), 2 * (key + salt), label.data(),
                                 label.size(), nullptr, 0, 0)
      != 1)
    return crypto_error("SRTP keys");
  // client key, server key, client salt, server salt; the browser is the client
  auto at = material.begin();
  auto pick = [&](std::size_t k, std::size_t s) {
    std::vector<std::uint8_t> v{at + static_cast<long>(k), at + static_cast<long>(k + key)};
    v.insert(v.end(), at + static_cast<long>(s), at + static_cast<long>(s + salt));
    return v;
  };
  out.inbound = pick(0, 2 * key);
  out.outbound = pick(key, 2 * key + salt);
  OPENSSL_cleanse(material.data(), material.size());
  return out;
}

bool dtls_session::write(bytes_view data) {
  if (phase_ != phase::established || closing_ || data.empty())
    return false;
  ERR_clear_error();
  return SSL_write(ssl_, data.data(), static_cast<int>(data.size())) > 0;
}

void dtls_session::close() {
  if (closing_)
    return;
  closing_ = true;
  if (phase_ == phase::established || phase_ == phase::closed) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
}

} // namespace holt::stream
