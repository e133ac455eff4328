// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hashes and MACs, and the letters they are written in. Owned by whoever calls; pure, any thread.
// Keeps no secret and compares none in a time that tells of it.

#include "messages/error.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace holt {

using sha256_digest = std::array<std::uint8_t, 32>;

/// Piece by piece.
class sha256 {
public:
  sha256();
  void add(std::string_view bytes);
  /// What was added since the beginning, or since the last call.
  sha256_digest bytes();
  /// The same as lower-case hex.
  std::string hex();

private:
  struct release {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, release> state_;
};

sha256_digest sha256_bytes(std::string_view bytes);
/// Lower-case hex.
std::string sha256_hex(std::string_view bytes);

enum class mac_kind : std::uint8_t { sha256, sha384, sha512 };

/// HMAC: the bytes, not hex.
std::string hmac(mac_kind how, std::string_view key, std::string_view text);

/// Neither content nor length shows in the time it takes.
bool equal_secrets(std::string_view a, std::string_view b);

std::string to_hex(std::string_view bytes);

/// Without padding, as in tokens.
std::string to_base64url(std::string_view bytes);
/// invalid_request: padded, of the other alphabet, or no base64 at all.
result<std::string> from_base64url(std::string_view text);

} // namespace holt
