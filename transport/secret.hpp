// SPDX-License-Identifier: Apache-2.0
#pragma once

// Secrets and names that nobody can guess: the only place that asks for randomness that must hold.
// Never returns something weaker: without entropy the process ends, since nobody may be let in
// then. Thread-safe.

#include <cstddef>
#include <span>
#include <string>

namespace holt {

void random_bytes(std::span<unsigned char> out);

/// Letters of 6 bits each that need no quoting in a URL, a cookie or a header; 43 hold 256 bits.
std::string random_secret(std::size_t letters = 43);

/// Two lower-case digits for each of the `bytes`.
std::string random_hex(std::size_t bytes);

} // namespace holt
