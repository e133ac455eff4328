// SPDX-License-Identifier: Apache-2.0
#include "transport/digest.hpp"

#include "messages/command.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdlib>

namespace holt {

namespace {

EVP_MD_CTX* context(void* state) {
  return static_cast<EVP_MD_CTX*>(state);
}

/// Fails only without memory, or when the library was built without the algorithm.
void must(int done) {
  if (done != 1)
    std::abort();
}

std::string_view as_text(const sha256_digest& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

void sha256::release::operator()(void* state) const noexcept {
  EVP_MD_CTX_free(context(state));
}

sha256::sha256() : state_{EVP_MD_CTX_new()} {
  must(EVP_DigestInit_ex(context(state_.get()), EVP_sha256(), nullptr));
}

void sha256::add(std::string_view bytes) {
  must(EVP_DigestUpdate(context(state_.get()), bytes.data(), bytes.size()));
}

sha256_digest sha256::bytes() {
  sha256_digest out{};
  must(EVP_DigestFinal_ex(context(state_.get()), out.data(), nullptr));
  must(EVP_DigestInit_ex(context(state_.get()), EVP_sha256(), nullptr));
  return out;
}

std::string sha256::hex() {
  return to_hex(as_text(bytes()));
}

sha256_digest sha256_bytes(std::string_view bytes) {
  sha256 hash;
  hash.add(bytes);
  return hash.bytes();
}

std::string sha256_hex(std::string_view bytes) {
  return to_hex(as_text(sha256_bytes(bytes)));
}

std::string hmac(mac_kind how, std::string_view key, std::string_view text) {
  const auto* digest = how == mac_kind::sha256   ? EVP_sha256()
                       : how == mac_kind::sha384 ? EVP_sha384()
                                                 : EVP_sha512();
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (HMAC(digest, key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size)
      == nullptr)
    std::abort();
  return {reinterpret_cast<const char*>(out.data()), size};
}

bool equal_secrets(std::string_view a, std::string_view b) {
  const auto x = sha256_bytes(a);
  const auto y = sha256_bytes(b);
  return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

std::string to_hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string to_base64url(std::string_view bytes) {
  auto out = to_base64(bytes);
  while (out.ends_with('='))
    out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

result<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != text.npos)
    return error{errc::invalid_request, "not base64url"};
  std::string plain{text};
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return from_base64(plain);
}

} // namespace holt
