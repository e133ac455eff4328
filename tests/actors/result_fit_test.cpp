// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE result_fit

#include "actors/result_fit.hpp"
#include "actors/shell_worker.hpp"
#include "transport/json_guard.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using nlohmann::json;

CAF_TEST(what the hosted server would not take does not fit though its text is short enough) {
  command_outcome outcome;
  outcome.fields["numbers"] = json(std::vector<double>(50'000, 1.0));
  CAF_CHECK(http::dump_safe(result_message("x", outcome)).size() < 256'000);
  CAF_CHECK(too_large_for("x", outcome, 256'000).has_value());
  CAF_CHECK(!too_large_for("x", outcome, 900'000).has_value());
}

CAF_TEST(output of control characters is cut until it fits) {
  command_outcome outcome;
  outcome.fields["stdout"] = std::string(250'000, '\1');
  cut_output("x", outcome, 256'000);
  CAF_CHECK(fits_link(http::dump_safe(result_message("x", outcome)), 256'000));
  CAF_CHECK_EQUAL(outcome.fields["stdout_bytes"], 250'000);
  CAF_CHECK_EQUAL(outcome.fields["truncated"], true);
}

CAF_TEST(a piece of control characters goes out as base64 and one of lines as text) {
  std::string zeros(64 * 1024, '\0');
  auto text = chunk_message("x", 0, "stdout", 0, zeros);
  CAF_CHECK(text.size() < 2 * zeros.size());
  auto piece = json::parse(text);
  CAF_CHECK_EQUAL(piece["enc"], "base64");
  CAF_CHECK(goes_as_text("one\ntwo\n\"three\"\n\x1b[0m plain"));
  CAF_CHECK(goes_as_text(std::string(100, '\n')));
  CAF_CHECK(!goes_as_text("\xff"));
  CAF_CHECK(goes_as_text(""));
}
