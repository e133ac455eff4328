// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE mp4_fragments

// What is whole in a video, and joining two of them, with files of a few boxes.

#include "files/mp4_fragments.hpp"

#include "tests/files/files_fixture.hpp"
#include "tests/files/mp4_boxes.hpp"

#include "check.hpp"

using namespace holt;
using namespace holt::files;
using namespace holt::test::mp4;
using namespace std::chrono_literals;

namespace {

fragment_map map_text(const std::string& bytes) {
  return map_fragments(
    bytes.size(), [&](std::uint64_t at, char* to, std::size_t n) { return bytes.copy(to, n, at); });
}

/// The whole one, and the part that is joined to it.
struct videos {
  test::temp_dir folder;
  std::string whole = (folder.path / "whole.mp4").string();
  std::string part = (folder.path / "part.mp4").string();
};

} // namespace

CAF_TEST(only whole fragments count) {
  const auto whole = header() + fragment(0, "abc") + fragment(9, "de");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const auto map = map_text(whole.substr(0, cut));
    CAF_CHECK(map.whole_end <= cut);
    CAF_CHECK(map.fragments <= 2u);
  }
  const auto map = map_text(whole);
  CAF_CHECK_EQUAL(map.header_end, header().size());
  CAF_CHECK_EQUAL(map.whole_end, whole.size());
  CAF_CHECK_EQUAL(map.fragments, 2u);
  CAF_CHECK_EQUAL(map_text(whole.substr(0, whole.size() - 1)).fragments, 1u);
  CAF_CHECK_EQUAL(map_text(fragment(0, "x")).whole_end, 0u);
}

CAF_TEST(a joined fragment is later by its tracks own clocks) {
  videos v;
  test::spit(v.whole, header() + fragment(0, "abc") + "half a box");
  test::spit(v.part, header() + fragment(5, "de"));
  CAF_REQUIRE(join_fragments(v.whole, v.part, 2s).has_value());
  const auto joined
    = box("moof", box("mfhd", big(0, 8)) + track(1, 5 + 180'000) + track(2, 5 + 96'000))
      + box("mdat", "de");
  CAF_CHECK(test::slurp(v.whole) == header() + fragment(0, "abc") + joined);
}

CAF_TEST(a joined fragment never begins before the end of what is there) {
  videos v;
  // Two samples of 1 s by their own words, and three of the usual 0.5 s.
  const auto own = box("trun", std::string("\0\0\3\1", 4) + big(2, 4) + big(0, 4) + big(90'000, 4)
                                 + big(7, 4) + big(90'000, 4) + big(7, 4));
  const auto usual = box("trun", std::string(4, '\0') + big(3, 4));
  const auto picture
    = box("traf", box("tfhd", big(0, 4) + big(1, 4))
                    + box("tfdt", std::string("\1\0\0\0", 4) + big(90'000, 8)) + own);
  const auto sound
    = box("traf", box("tfhd", big(8, 4) + big(2, 4) + big(24'000, 4))
                    + box("tfdt", std::string("\1\0\0\0", 4) + big(48'000, 8)) + usual);
  CAF_CHECK_EQUAL(fragment_end(box("moof", picture)).count(), 3'000);
  CAF_CHECK_EQUAL(fragment_end(box("moof", sound)).count(), 2'500);
  const auto before = header() + box("moof", picture + sound) + box("mdat", "abc");
  test::spit(v.whole, before);
  test::spit(v.part, header() + fragment(0, "de"));
  CAF_REQUIRE(join_fragments(v.whole, v.part, 2s).has_value());
  const auto joined = box("moof", box("mfhd", big(0, 8)) + track(1, 270'000) + track(2, 144'000));
  CAF_CHECK(test::slurp(v.whole) == before + joined + box("mdat", "de"));
}
