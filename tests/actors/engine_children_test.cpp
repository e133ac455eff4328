// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE engine_children

#include "actors/engine_children.hpp"

#include "check.hpp"
#include "transport/process_killer.hpp"
#include "transport/spawner.hpp"

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

using namespace holt;

namespace {

using words = std::vector<std::string>;

bool has(const words& all, const std::string& word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

/// What follows an option; "" where it is not there.
std::string after(const words& all, const std::string& option) {
  auto at = std::find(all.begin(), all.end(), option);
  return at == all.end() || at + 1 == all.end() ? std::string{} : *(at + 1);
}

std::size_t count(const words& all, const std::string& word) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), word));
}

struct fixture {
  std::filesystem::path folder;
  desktop_context_ptr context;
  boost::asio::io_context io;

  fixture() {
    std::string name = std::filesystem::temp_directory_path() / "holt-args-XXXXXX";
    folder = mkdtemp(name.data());
    context = desktop_context::make(folder, folder).value();
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  /// Only what the argument lists read; no process is started with it.
  template <class Change>
  words arguments(bool neko, Change change) {
    spawner starter;
    process_killer killer;
    engine_options how{{io, starter, killer}, context, folder, {},        {}, true, true,
                       "127.0.0.1",           {},      4659,   2'500'000, 30, {},   true};
    how.choice.program = "/opt/engine";
    change(how);
    return neko ? neko_arguments(how, ":7", 18100, 4659) : builtin_arguments(how, ":7", 18100);
  }
};

constexpr std::string_view metrics = R"(# HELP neko_capture_streamsink_bytes Current number of bytes
# TYPE neko_capture_streamsink_bytes gauge
neko_capture_streamsink_bytes{submodule="streamsink",video_id="hq"} 1.5e+06
neko_capture_streamsink_bytes{submodule="streamsink",video_id="lq"} 250
neko_capture_streamsink_bytes_total 9
neko_capture_streamsink_listeners{video_id="hq"} 2
plain 7
broken{a="b"} many
)";

} // namespace

CAF_TEST_FIXTURE_SCOPE(engine_children_tests, fixture)

CAF_TEST(neko gets the display and its ports and no way to take control by itself) {
  auto got = arguments(true, [](engine_options&) {});
  CAF_CHECK_EQUAL(got.at(0), "/opt/engine");
  CAF_CHECK_EQUAL(got.at(1), "serve");
  CAF_CHECK_EQUAL(after(got, "--server.bind"), "127.0.0.1:18100");
  CAF_CHECK_EQUAL(after(got, "--desktop.display"), ":7");
  CAF_CHECK_EQUAL(after(got, "--capture.video.display"), ":7");
  CAF_CHECK_EQUAL(after(got, "--desktop.screen"), "1280x720@30");
  CAF_CHECK_EQUAL(after(got, "--webrtc.udpmux"), "4659");
  for (const auto* flag :
       {"--desktop.input.enabled=false", "--desktop.unminimize=false",
        "--session.cookie.enabled=false", "--session.locked_controls",
        "--session.implicit_hosting=false", "--webrtc.icelite", "--webrtc.ip_retrieval_url="})
    CAF_CHECK(has(got, flag));
}

CAF_TEST(neko hears no key on its command line) {
  for (const auto& word : arguments(true, [](engine_options&) {}))
    CAF_CHECK_EQUAL(word.find("api_token"), std::string::npos);
}

CAF_TEST(every pipeline of neko is named and has no number that turns into an exponent) {
  auto got = arguments(true, [](engine_options& how) { how.bitrate = 12'000'000; });
  auto pipelines = nlohmann::json::parse(after(got, "--capture.video.pipelines"));
  CAF_REQUIRE_EQUAL(pipelines.size(), 1u);
  CAF_CHECK_EQUAL(after(got, "--capture.video.ids"), pipelines.begin().key());
  auto parameters = pipelines.begin().value()["gst_params"];
  CAF_CHECK_EQUAL(parameters["target-bitrate"], "round(12000000)");
  for (const auto& [name, value] : parameters.items())
    CAF_CHECK(value.is_string());
}

CAF_TEST(neko on a bare host advertises what it finds and opens no port for TCP) {
  auto got = arguments(true, [](engine_options&) {});
  CAF_CHECK(!has(got, "--webrtc.nat1to1"));
  CAF_CHECK(!has(got, "--webrtc.tcpmux"));
}

CAF_TEST(neko in a container advertises the chosen address on equal ports) {
  auto got = arguments(true, [](engine_options& how) { how.advertise = {"192.0.2.7", "::1"}; });
  CAF_CHECK_EQUAL(count(got, "--webrtc.nat1to1"), 1u);
  CAF_CHECK_EQUAL(after(got, "--webrtc.nat1to1"), "192.0.2.7");
  CAF_CHECK_EQUAL(after(got, "--webrtc.tcpmux"), after(got, "--webrtc.udpmux"));
}

CAF_TEST(neko on every interface finds their addresses itself) {
  auto got = arguments(true, [](engine_options& how) {
    how.advertise = {"192.0.2.7", "192.0.2.8"};
    how.address_chosen = false;
  });
  CAF_CHECK(!has(got, "--webrtc.nat1to1"));
  CAF_CHECK_EQUAL(after(got, "--webrtc.tcpmux"), after(got, "--webrtc.udpmux"));
}

CAF_TEST(neko without a sound server plays silence) {
  auto silent = arguments(true, [](engine_options& how) { how.sound = false; });
  CAF_CHECK_NOT_EQUAL(after(silent, "--capture.audio.pipeline").find("silence"), std::string::npos);
  auto loud = arguments(true, [](engine_options&) {});
  CAF_CHECK(!has(loud, "--capture.audio.pipeline"));
}

CAF_TEST(the own engine gets every address and the way to sound) {
  auto got = arguments(false, [](engine_options& how) {
    how.advertise = {"192.0.2.7", "192.0.2.8"};
  });
  CAF_CHECK_EQUAL(after(got, "--bind"), "127.0.0.1:18100");
  CAF_CHECK_EQUAL(after(got, "--display"), ":7");
  CAF_CHECK_EQUAL(after(got, "--media-address"), "127.0.0.1");
  CAF_CHECK_EQUAL(after(got, "--media-port"), "4659");
  CAF_CHECK_EQUAL(count(got, "--advertise"), 2u);
  CAF_CHECK_EQUAL(after(got, "--pulse"), context->pulse_socket());
  CAF_CHECK(!has(got, "--no-audio"));
  auto silent = arguments(false, [](engine_options& how) { how.sound = false; });
  CAF_CHECK(has(silent, "--no-audio"));
  CAF_CHECK(!has(silent, "--pulse"));
}

CAF_TEST(a metric is summed over its labels) {
  CAF_CHECK(metric_sum(metrics, "neko_capture_streamsink_bytes") == 1'500'250.0);
  CAF_CHECK(metric_sum(metrics, "neko_capture_streamsink_listeners") == 2.0);
  CAF_CHECK(metric_sum(metrics, "plain") == 7.0);
}

CAF_TEST(a metric that is not there or has no number is no zero) {
  CAF_CHECK(!metric_sum(metrics, "neko_capture"));
  CAF_CHECK(!metric_sum(metrics, "broken"));
  CAF_CHECK(!metric_sum("", "plain"));
}

CAF_TEST(a free port can be bound) {
  CAF_CHECK_NOT_EQUAL(free_port(SOCK_STREAM), 0);
  CAF_CHECK_NOT_EQUAL(free_port(SOCK_DGRAM), 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
