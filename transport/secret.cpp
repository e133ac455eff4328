// SPDX-License-Identifier: Apache-2.0
#include "transport/secret.hpp"

#include "transport/digest.hpp"

#include <openssl/rand.h>

#include <cstdlib>
#include <string_view>

namespace holt {

namespace {

std::string random_text(std::size_t bytes) {
  std::string out(bytes, '\0');
  random_bytes({reinterpret_cast<unsigned char*>(out.data()), out.size()});
  return out;
}

} // namespace

void random_bytes(std::span<unsigned char> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    std::abort();
}

std::string random_secret(std::size_t letters) {
  static constexpr std::string_view alphabet
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  auto out = random_text(letters);
  for (auto& byte : out)
    byte = alphabet[static_cast<unsigned char>(byte) & 63U];
  return out;
}

std::string random_hex(std::size_t bytes) {
  return to_hex(random_text(bytes));
}

} // namespace holt
