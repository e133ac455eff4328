// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE secret_mask

#include "actors/secret_mask.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;

namespace {

auto mask(std::vector<std::string> secrets) {
  return std::make_shared<const secret_mask>(std::move(secrets));
}

std::string through(const secret_mask_ptr& how, const std::string& text, std::size_t piece) {
  secret_mask::stream stream{how};
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += piece)
    out += stream.add(text.substr(i, piece));
  return out + stream.finish();
}

} // namespace

CAF_TEST(a secret is hidden wherever it is cut) {
  auto how = mask({"hunter2", "correct horse"});
  const std::string text = "a hunter2 b correct horse c hunter hunter2hunter2 correct";
  const std::string shown = "a *** b *** c hunter ****** correct";
  CAF_CHECK_EQUAL(how->apply(text), shown);
  for (std::size_t piece = 1; piece <= text.size(); ++piece)
    CAF_CHECK_EQUAL(through(how, text, piece), shown);
}

CAF_TEST(of two secrets at one place the longer is hidden) {
  auto how = mask({"abcd", "abcdefgh"});
  for (std::size_t piece = 1; piece < 12; ++piece) {
    CAF_CHECK_EQUAL(through(how, "xabcdefghy", piece), "x***y");
    CAF_CHECK_EQUAL(through(how, "xabcdey", piece), "x***ey");
  }
}

CAF_TEST(what only looks like a beginning comes out at the end) {
  auto how = mask({"secret"});
  secret_mask::stream stream{how};
  CAF_CHECK_EQUAL(stream.add("my secre"), "my ");
  CAF_CHECK_EQUAL(stream.held(), 5u);
  CAF_CHECK_EQUAL(stream.add("d"), "secred");
  CAF_CHECK_EQUAL(stream.add("sec"), "");
  CAF_CHECK_EQUAL(stream.finish(), "sec");
}

CAF_TEST(without secrets nothing is held back) {
  secret_mask::stream stream{mask({"", ""})};
  CAF_CHECK_EQUAL(stream.add("all"), "all");
  CAF_CHECK_EQUAL(stream.finish(), "");
}
