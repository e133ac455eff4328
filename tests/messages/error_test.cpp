// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE error

#include "messages/error.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <set>

using namespace holt;

CAF_TEST(every error has a word of its own and a sentence) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < errc_count; ++i) {
    const auto& row = info(static_cast<errc>(i));
    CAF_CHECK(words.insert(row.word).second);
    CAF_CHECK(!row.sentence.empty());
    CAF_CHECK(row.sentence.back() == '.');
    CAF_CHECK(info(row.word).code == row.code);
  }
}

CAF_TEST(an unknown word is an internal error) {
  CAF_CHECK(info(std::string_view{"no such word"}).code == errc::internal);
}

CAF_TEST(every word of the protocol comes back as an error with that word) {
  for (const char* word :
       {"invalid",     "not_found",    "exists",      "is_directory", "not_directory",
        "denied",      "too_large",    "timeout",     "cancelled",    "expired",
        "interrupted", "id_conflict",  "conflict",    "busy",         "no_space",
        "read_only",   "unauthorized", "unsupported", "shutdown",     "internal"})
    CAF_CHECK_EQUAL(info_of_wire(word).wire, std::string_view{word});
  CAF_CHECK(info_of_wire("no such word").code == errc::internal);
}
