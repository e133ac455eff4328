// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE engine_options

#include "stream/engine_options.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <cstdlib>

using namespace holt::stream;

namespace {

parsed_options parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "holt-stream");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

} // namespace

CAF_TEST(the options of a supervisor are read) {
  auto out
    = parse({"--bind", "127.0.0.1:4700", "--display", ":5", "--xauthority", "/x", "--screen",
             "1024x768@25", "--media-address", "0.0.0.0", "--media-port", "4659", "--advertise",
             "192.0.2.1", "192.0.2.2", "--pulse", "/run/p", "--bitrate", "1000000"});
  CAF_REQUIRE(out.go_on);
  const auto& o = out.options;
  CAF_CHECK_EQUAL(o.bind_port, 4700);
  CAF_CHECK_EQUAL(o.display, ":5");
  CAF_CHECK(o.screen == (screen_size{1024, 768, 25}));
  CAF_CHECK_EQUAL(o.advertise, (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  CAF_CHECK_EQUAL(o.pulse, "unix:/run/p");
  CAF_CHECK_EQUAL(o.bitrate, 1'000'000U);
  CAF_CHECK(o.audio && o.locked_controls && !o.implicit_hosting);
}

CAF_TEST(an address may be of IPv6 and sound may be off) {
  auto out = parse({"--bind", "[::1]:0", "--display", ":5", "--no-audio"});
  CAF_REQUIRE(out.go_on);
  CAF_CHECK_EQUAL(out.options.bind_address, "::1");
  CAF_CHECK(!out.options.audio);
}

CAF_TEST(what cannot be meant is a usage error) {
  const std::vector<std::vector<const char*>> all{{"--display", ":5", "--bind", "nowhere"},
                                                  {"--display", ":5", "--bind", "127.0.0.1:x"},
                                                  {"--display", ":5", "--bind", "127.0.0.1:70000"},
                                                  {"--display", ":5", "--screen", "12"},
                                                  {"--display", ":5", "--media-address", "host"},
                                                  {"--display", ":5", "--no-such"},
                                                  {"--display", ":5", "--bitrate", "1"},
                                                  {"--display", ":5", "--media-port", "99999"}};
  for (const auto& one : all) {
    auto out = parse(one);
    CAF_CHECK(!out.go_on);
    CAF_CHECK_EQUAL(out.exit, 64);
  }
}

CAF_TEST(screen sizes are read strictly) {
  CAF_CHECK(parse_screen("1280x720@30") == (screen_size{1280, 720, 30}));
  CAF_CHECK(parse_screen("800x600") == (screen_size{800, 600, 30}));
  for (const char* bad : {"", "x", "800", "800x", "0x600", "800x600@", "800x600@x", "800x600@30 ",
                          "-1x5", "99999x1", "800x600@999"})
    CAF_CHECK_EQUAL(parse_screen(bad).width, 0U);
}

CAF_TEST(the API token is taken out of the environment) {
  CAF_CHECK_EQUAL(take_api_token(), "");
  ::setenv("HOLT_STREAM_API_TOKEN", "abc", 1);
  CAF_CHECK_EQUAL(take_api_token(), "abc");
  CAF_CHECK(std::getenv("HOLT_STREAM_API_TOKEN") == nullptr);
}
