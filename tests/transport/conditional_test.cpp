// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE http_conditional

#include "transport/conditional.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;

CAF_TEST(one range of bytes is taken and everything else is the whole) {
  struct row {
    const char* text;
    bool part;
    bool satisfiable;
    std::uint64_t first;
    std::uint64_t length;
  };
  for (const auto& [text, part, satisfiable, first, length] : {
         row{"bytes=0-0", true, true, 0, 1},
         row{"bytes=2-", true, true, 2, 8},
         row{"bytes=-3", true, true, 7, 3},
         row{"bytes=-99", true, true, 0, 10},
         row{"Bytes= 1 - 2 ", true, true, 1, 2},
         row{"bytes=9-99", true, true, 9, 1},
         row{"bytes=0-18446744073709551615", true, true, 0, 10},
         row{"bytes=10-", true, false, 0, 0},
         row{"bytes=-0", true, false, 0, 0},
         row{"bytes=3-2", false, true, 0, 10},
         row{"bytes=0-1,3-4", false, true, 0, 10},
         row{"bytes=0-18446744073709551616", false, true, 0, 10},
         row{"bytes=+1-2", false, true, 0, 10},
         row{"bytes=", false, true, 0, 10},
         row{"bytes=-", false, true, 0, 10},
         row{"lines=1-2", false, true, 0, 10},
         row{"", false, true, 0, 10},
       }) {
    const auto got = http::select_range(text, 10);
    CAF_MESSAGE(text);
    CAF_CHECK_EQUAL(got.part, part);
    CAF_CHECK_EQUAL(got.satisfiable, satisfiable);
    CAF_CHECK_EQUAL(got.first, first);
    CAF_CHECK_EQUAL(got.length, length);
  }
  CAF_CHECK(!http::select_range("bytes=0-", 0).satisfiable);
  CAF_CHECK(!http::select_range("bytes=-5", 0).satisfiable);
}

CAF_TEST(tags are compared strongly or weakly) {
  using http::etag_listed;
  CAF_CHECK(etag_listed("*", "\"a\"", false));
  CAF_CHECK(etag_listed("\"b\", \"a\"", "\"a\"", false));
  CAF_CHECK(etag_listed("W/\"a\"", "\"a\"", true));
  CAF_CHECK(!etag_listed("W/\"a\"", "\"a\"", false));
  CAF_CHECK(!etag_listed("\"ab\"", "\"a\"", true));
  for (const char* broken : {"", "a", "\"a", "\"b\" \"a\"", "W/", "W/a", ",\"a\""})
    CAF_CHECK(!etag_listed(broken, "\"a\"", true));
}
