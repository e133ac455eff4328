// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/fuzz.hpp"
#include "transport/conditional.hpp"

using namespace holt;

FUZZ(conditional) {
  const auto text = fuzz::text(data);
  for (const std::uint64_t size : {0ull, 1ull, 1000ull, ~0ull}) {
    const auto got = http::select_range(text, size);
    fuzz::must(got.first <= size && got.length <= size - got.first, "a range is within the file");
    fuzz::must(got.part || (got.satisfiable && got.length == size), "no part is the whole");
  }
  for (const bool weak : {false, true})
    http::etag_listed(text, "\"1-2-3-4\"", weak);
}
