// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE process_fields

#include "shell/log_document.hpp"
#include "shell/process_fields.hpp"

#include "check.hpp"
#include "tests/transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <csignal>

using namespace holt;
using namespace holt::shell;
using nlohmann::json;

namespace {

struct fixture {
  test::temp_dir dir;
  std::shared_ptr<const files::path_jail> jail = [this] {
    files::jail_options how;
    how.roots = {dir.path.string()};
    return *files::path_jail::open(how);
  }();

  /// The word of the error and the field that it begins with.
  std::string wrong(const json& body) const {
    auto got = decode_process(body, *jail);
    return got ? "fine" : std::string{got.error().word()} + ": " + got.error().detail;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(process_fields_tests, fixture)

CAF_TEST(a create has defaults) {
  const auto got = decode_process({{"command", "x"}, {"args", nullptr}, {"new", 1}}, *jail);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->plan.argv.size(), 1u);
  CAF_CHECK_EQUAL(got->plan.cwd, std::filesystem::canonical(dir.path).string());
  CAF_CHECK_EQUAL(got->cwd, "");
  CAF_CHECK(!got->plan.terminal);
  CAF_CHECK(got->plan.input);
}

CAF_TEST(what is wrong is named) {
  CAF_CHECK(wrong({}).starts_with("unprocessable: command"));
  CAF_CHECK(wrong({{"command", ""}}).starts_with("invalid_request: command"));
  CAF_CHECK(wrong({{"command", "x"}, {"args", {1}}}).starts_with("unprocessable: args[0]"));
  CAF_CHECK(wrong({{"command", "x"}, {"tty", 1}}).starts_with("unprocessable: tty"));
  CAF_CHECK(wrong({{"command", "x"}, {"cols", 0}}).starts_with("invalid_request: cols"));
  CAF_CHECK(wrong({{"command", "x"}, {"tags", {""}}}).starts_with("invalid_request: tags"));
  CAF_CHECK(wrong({{"command", "x"}, {"env", {{"A", 1}}}}).starts_with("unprocessable: env.A"));
  CAF_CHECK(wrong({{"command", "x"}, {"cwd", "/etc"}}).starts_with("denied: cwd"));
  CAF_CHECK(wrong({{"command", "x"}, {"cwd", "none"}}).starts_with("not_found: cwd"));
  CAF_CHECK(wrong({{"command", std::string("a\0b", 3)}}).starts_with("invalid_request: command"));
}

CAF_TEST(a run is bounded by the limits) {
  process_limits limits;
  auto got = decode_run({{"command", "x"}, {"timeoutMs", 9'999'999}, {"maxOutputBytes", 9'999'999}},
                        *jail, limits);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->plan.timeout->count(), 300'000);
  CAF_CHECK_EQUAL(got->max_output, 1024u * 1024);
  got = decode_run({{"command", "x"}, {"timeoutMs", 0}}, *jail, limits);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->plan.timeout->count(), 30'000);
  CAF_CHECK(!got->plan.input);
}

CAF_TEST(the limits come all six and above nothing) {
  auto body = to_json_document(process_limits{});
  CAF_CHECK(decode_limits(body).has_value());
  for (const auto& [name, value] : body.items()) {
    auto less = body;
    less.erase(name);
    CAF_CHECK(decode_limits(less).error().code == errc::unprocessable);
    less[name] = 0;
    CAF_CHECK(decode_limits(less).error().code == errc::invalid_request);
    CAF_CHECK(decode_limits(less).error().detail.starts_with(name));
  }
}

CAF_TEST(input is what its encoding says) {
  CAF_CHECK_EQUAL(decode_input({{"data", "YQ=="}}, "base64", 10).value(), "a");
  CAF_CHECK_EQUAL(decode_input({{"data", "YQ=="}}, "utf8", 10).value(), "YQ==");
  CAF_CHECK_EQUAL(decode_input({{"data", "YQ=="}, {"encoding", "text"}}, "base64", 10).value(),
                  "YQ==");
  CAF_CHECK(decode_input({{"data", "!"}}, "base64", 10).error().code == errc::invalid_request);
  CAF_CHECK(decode_input({{"data", "abc"}}, "utf8", 2).error().code == errc::payload_too_large);
  CAF_CHECK(decode_input({{"data", 1}}, "utf8", 2).error().code == errc::unprocessable);
}

CAF_TEST(signals have names and numbers) {
  CAF_CHECK_EQUAL(decode_signal({{"signal", "TERM"}}).value(), SIGTERM);
  CAF_CHECK_EQUAL(decode_signal({{"signal", "SIGUSR1"}}).value(), SIGUSR1);
  CAF_CHECK_EQUAL(decode_signal({{"signal", 9}}).value(), 9);
  for (const json& bad : {json{"SIG"}, json{0}, json{65}, json{"9"}, json{true}, json{nullptr}})
    CAF_CHECK(decode_signal({{"signal", bad}}).has_error());
}

CAF_TEST(queries of logs are checked) {
  http::request head;
  head.query = {{"stream", "pty"}, {"since", "4"}, {"tail", "2"}, {"offset", "7"}};
  auto got = decode_log_query(head);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(got->stream == output_stream::terminal);
  CAF_CHECK_EQUAL(got->since, 4u);
  CAF_CHECK_EQUAL(*got->tail, 2u);
  CAF_CHECK_EQUAL(*got->offset, 7u);
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
         {"stream", "x"}, {"since", "-1"}, {"tail", "1e3"}, {"offset", "1"}, {"since", ""}}) {
    head.query = {{name, value}};
    CAF_CHECK(decode_log_query(head).error().detail.starts_with(name));
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
