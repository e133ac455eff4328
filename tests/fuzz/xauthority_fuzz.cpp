// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/fuzz.hpp"
#include "transport/probe.hpp"

FUZZ(xauthority) {
  const auto bytes = fuzz::text(data);
  for (const int number : {0, 7, 99})
    fuzz::must(holt::probe::xauthority_cookie(bytes, number).size() <= bytes.size(),
               "a cookie is part of the file");
  // What we write is found, whatever stands behind it.
  const auto ours = holt::probe::xauthority_entry("0123456789abcdef");
  fuzz::must(holt::probe::xauthority_cookie(ours + std::string{bytes}, 42) == "0123456789abcdef",
             "our entry is found");
}
