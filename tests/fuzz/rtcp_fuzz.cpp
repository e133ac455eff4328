// SPDX-License-Identifier: Apache-2.0

#include "stream/rtcp.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt::stream;

FUZZ(rtcp) {
  const auto got = parse_rtcp(data, 0x11223344);
  fuzz::must(got.lost.size() <= 1024, "the list of losses is limited");
  if (got.video)
    if (const auto took = round_trip(*got.video, std::chrono::system_clock::time_point{}))
      fuzz::must(took->count() >= 0, "no negative round trip");
}
