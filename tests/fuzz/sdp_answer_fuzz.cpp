// SPDX-License-Identifier: Apache-2.0

#include "stream/sdp.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt::stream;

FUZZ(sdp_answer) {
  const auto got = parse_answer(fuzz::text(data));
  if (!got) {
    fuzz::must(!got.error().detail.empty(), "a refusal has words");
    return;
  }
  fuzz::must(data.size() <= largest_answer, "a large answer is refused");
  fuzz::must(got->ufrag.size() >= 4 && got->ufrag.size() <= 256, "the name is as RFC 8839 says");
  fuzz::must(got->password.size() >= 22 && got->password.size() <= 256, "so is the password");
}
