// SPDX-License-Identifier: Apache-2.0

#include "files/mp4_fragments.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt;
using namespace holt::files;

FUZZ(mp4) {
  std::string text{fuzz::text(data)};
  const auto map = map_fragments(text.size(), [&](std::uint64_t at, char* to, std::size_t n) {
    fuzz::must(at <= text.size(), "nothing beyond the end is asked for");
    return text.copy(to, n, static_cast<std::size_t>(at));
  });
  fuzz::must(map.whole_end <= text.size(), "what is whole is there");
  fuzz::must(map.header_end <= map.whole_end, "the header comes first");
  fuzz::must(map.fragments == 0 || map.whole_end > map.header_end, "a fragment takes room");
  fuzz::must(fragment_end(text).count() >= 0, "nothing ends before it began");
  const auto size = text.size();
  delay_fragment(text, std::chrono::milliseconds{1'000'000'000});
  fuzz::must(text.size() == size, "a delay changes no size");
}
