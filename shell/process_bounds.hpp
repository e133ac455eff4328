// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a process of the API may be asked for with: the readers check it, the API's description
// tells it.

#include <cstddef>
#include <cstdint>

namespace holt::shell::bounds {

inline constexpr std::uint64_t terminal = 4096;        ///< columns, and rows
inline constexpr std::size_t environment = 512 * 1024; ///< bytes
inline constexpr std::size_t arguments = 1024 * 1024;  ///< bytes together
inline constexpr std::size_t tags = 16;
inline constexpr std::size_t tag = 128; ///< bytes
inline constexpr std::uint64_t ms = 24ull * 3'600'000;
inline constexpr std::uint64_t bytes = 1ull << 30;
inline constexpr std::uint64_t concurrent = 4'096;
inline constexpr std::uint64_t wait_ms = 60'000;
inline constexpr std::uint64_t kill_wait_ms = 2'000; ///< where the caller names none
inline constexpr std::uint64_t tail = 1'000'000;     ///< entries of a log
inline constexpr std::uint64_t last_signal = 64;

} // namespace holt::shell::bounds
