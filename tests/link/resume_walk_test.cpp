// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE resume_walk

#include "link/resume_walk.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <initializer_list>

using namespace holt::link;

CAF_TEST(resume goes page by page and ends) {
  resume_walk walk{"a", 5, {2, 100}};
  auto page = [](std::initializer_list<std::uint64_t> positions) {
    std::vector<journal_row> out;
    for (auto p : positions) {
      out.emplace_back();
      out.back().done = true;
      out.back().rseq = p;
      out.back().result = "{\"rseq\":" + std::to_string(p) + "}";
    }
    return out;
  };
  auto sent = walk.rows(page({6, 8}), 1'000);
  CAF_REQUIRE_EQUAL(sent.size(), 2u);
  CAF_CHECK_EQUAL(*sent[0], R"({"rseq":6,"dup":true})");
  CAF_CHECK_EQUAL(walk.after(), 8u);
  CAF_CHECK_EQUAL(walk.next_at(), 1'100);
  CAF_CHECK(!walk.finished());
  CAF_CHECK_EQUAL(walk.rows(page({9}), 1'100).size(), 1u);
  CAF_CHECK(walk.finished());
  CAF_CHECK_EQUAL(walk.sent(), 3u);
  resume_walk stuck{"a", 5, {2, 100}};
  CAF_CHECK(stuck.rows(page({4, 5}), 0).empty());
  CAF_CHECK(stuck.finished());
}
