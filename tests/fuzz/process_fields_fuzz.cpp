// SPDX-License-Identifier: Apache-2.0

#include "shell/process_fields.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt;

namespace {

std::shared_ptr<const files::path_jail> root_folder() {
  files::jail_options how;
  how.roots = {"/tmp"};
  auto opened = files::path_jail::open(how);
  fuzz::must(opened.has_value(), "there is a /tmp");
  return *opened;
}

template <class Result>
bool explained(const Result& got) {
  fuzz::must(got.has_value() || !got.error().detail.empty(), "an error says what is wrong");
  fuzz::must(got.has_value() || info(got.error().code).http < 500, "it is the caller's mistake");
  return got.has_value();
}

} // namespace

FUZZ(process_fields) {
  static const auto jail = root_folder();
  const auto body = nlohmann::json::parse(fuzz::text(data), nullptr, false);
  if (!body.is_object())
    return;
  const shell::process_limits limits;
  if (auto got = shell::decode_process(body, *jail); explained(got)) {
    fuzz::must(!got->plan.argv.empty() && !got->plan.argv.front().empty(), "there is a program");
    fuzz::must(got->plan.cwd == "/tmp" || got->plan.cwd.starts_with("/tmp/"),
               "it starts inside the root");
    fuzz::must(got->plan.columns > 0 && got->plan.rows > 0, "a terminal has a size");
  }
  if (auto got = shell::decode_run(body, *jail, limits); explained(got)) {
    fuzz::must(got->plan.timeout && got->plan.timeout->count() > 0, "a run has a time limit");
    fuzz::must(got->max_output <= limits.max_output_bytes, "what is kept is bounded");
  }
  if (auto got = shell::decode_limits(body); explained(got))
    fuzz::must(got->max_concurrent > 0 && got->max_output_bytes > 0, "limits are above 0");
  if (auto got = shell::decode_input(body, "base64", 16); explained(got))
    fuzz::must(got->size() <= 16, "input is bounded");
  if (auto got = shell::decode_size(body); explained(got))
    fuzz::must(got->columns > 0 && got->rows > 0, "a size is above 0");
  if (auto got = shell::decode_signal(body); explained(got))
    fuzz::must(*got > 0 && *got <= 64, "a signal is one");
}
