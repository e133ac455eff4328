// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a fuzz target is written: FUZZ(name) { … data … }. Built by clang with HOLT_FUZZ it is a
// libFuzzer program; otherwise it joins fuzz_replay, which runs the committed corpus. A broken
// promise is `fuzz::must(false)`: it aborts in both. A target keeps no state between calls.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace fuzz {

using input = std::span<const std::uint8_t>;
using target = void (*)(input);

inline std::string_view text(input data) noexcept {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

inline void must(bool holds, const char* promise) {
  if (holds)
    return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// Joins the table of fuzz_replay.
struct entry {
  entry(const char* name, target what);
};

} // namespace fuzz

#ifdef HOLT_FUZZ
#define FUZZ(name)                                                                                 \
  static void name##_target(fuzz::input data);                                                     \
  extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(                    \
    const std::uint8_t* bytes, std::size_t size) {                                                 \
    name##_target({bytes, size});                                                                  \
    return 0;                                                                                      \
  }                                                                                                \
  static void name##_target(fuzz::input data)
#else
#define FUZZ(name)                                                                                 \
  static void name##_target(fuzz::input data);                                                     \
  static const fuzz::entry name##_entry{#name, name##_target};                                     \
  static void name##_target(fuzz::input data)
#endif
