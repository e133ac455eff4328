// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE log

#include "transport/log.hpp"
#include "transport/log_file.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <thread>

using namespace holt;
using namespace holt::test;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

log::options quiet(const std::filesystem::path& file) {
  log::options how;
  how.file = file.string();
  how.stderr_level = log::level::off;
  return how;
}

} // namespace

CAF_TEST(an event is one JSON line with its fields and without secrets) {
  temp_dir dir;
  const auto file = dir.path / "holt.jsonl";
  CAF_REQUIRE(log::open(quiet(file)));
  const std::string odd = "a\"b\n\xFF";
  log::info("gateway", "listening",
            {{"url", "http://x"},
             {"port", 4658},
             {"ok", true},
             {"ratio", 0.5},
             {"gen", std::uint64_t{18446744073709551615U}},
             {"odd", odd},
             {"token", log::secret{"canary"}}});
  log::debug("gateway", "too_fine");
  log::close();
  const auto lines = lines_of(file);
  CAF_REQUIRE(lines.size() == 1);
  CAF_CHECK(lines[0].find("canary") == std::string::npos);
  CAF_CHECK(lines[0].rfind("{\"ts\":\"", 0) == 0);
  const auto json = nlohmann::json::parse(lines[0]);
  CAF_CHECK_EQUAL(json["level"], "info");
  CAF_CHECK_EQUAL(json["component"], "gateway");
  CAF_CHECK_EQUAL(json["event"], "listening");
  CAF_CHECK_EQUAL(json["url"], "http://x");
  CAF_CHECK_EQUAL(json["port"], 4658);
  CAF_CHECK_EQUAL(json["ok"], true);
  CAF_CHECK_EQUAL(json["ratio"], 0.5);
  CAF_CHECK_EQUAL(json["gen"], 18446744073709551615U);
  CAF_CHECK_EQUAL(json["token"], "***");
  CAF_CHECK_EQUAL(json["odd"], "a\"b\n\xEF\xBF\xBD");
  CAF_CHECK_EQUAL(json["ts"].get<std::string>().size(),
                  std::string("2026-01-01T00:00:00.000Z").size());
}

CAF_TEST(lines of several threads are all there and whole) {
  temp_dir dir;
  const auto file = dir.path / "holt.jsonl";
  CAF_REQUIRE(log::open(quiet(file)));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i)
        log::info("test", "line", {{"thread", t}, {"i", i}});
    });
  for (auto& t : threads)
    t.join();
  log::close();
  const auto lines = lines_of(file);
  CAF_CHECK_EQUAL(lines.size() + log::dropped(), 2000u);
  for (const auto& line : lines)
    CAF_CHECK(nlohmann::json::accept(line));
}

CAF_TEST(a full queue drops and counts and never blocks) {
  temp_dir dir;
  auto how = quiet(dir.path / "holt.jsonl");
  how.queue_lines = 4;
  CAF_REQUIRE(log::open(how));
  for (int i = 0; i < 20'000; ++i)
    log::info("test", "line", {{"i", i}});
  log::close();
  const auto lines = lines_of(how.file);
  CAF_MESSAGE("dropped " << log::dropped());
  CAF_CHECK_EQUAL(lines.size() + log::dropped(), 20'000u);
  const auto last = nlohmann::json::parse(lines.back());
  CAF_CHECK_EQUAL(last["i"], 19'999);
}

CAF_TEST(a moved log file is opened anew) {
  temp_dir dir;
  const auto file = dir.path / "holt.jsonl";
  CAF_REQUIRE(log::open(quiet(file)));
  log::info("test", "before");
  CAF_CHECK(eventually([&] { return lines_of(file).size() == 1; }));
  std::filesystem::rename(file, dir.path / "moved");
  log::reopen();
  log::info("test", "after");
  log::close();
  CAF_CHECK_EQUAL(lines_of(dir.path / "moved").size(), 1u);
  CAF_CHECK_EQUAL(lines_of(file).size(), 2u);
}

CAF_TEST(a log file is rotated by size and the oldest goes) {
  temp_dir dir;
  const auto path = dir.path / "child.log";
  log_file file{path.string(), 100, 2};
  CAF_REQUIRE(file.open());
  for (int i = 0; i < 50; ++i)
    file.write("line " + std::to_string(100 + i) + "\n"); // 9 bytes: 11 a file
  CAF_CHECK(lines_of(path).back() == "line 149");
  CAF_CHECK(lines_of(path).front() == "line 144");
  CAF_CHECK(lines_of(path.string() + ".1").front() == "line 133");
  CAF_CHECK(lines_of(path.string() + ".2").front() == "line 122");
  CAF_CHECK(!std::filesystem::exists(path.string() + ".3"));
  CAF_CHECK_EQUAL(file.failed(), 0u);
  log_file more{path.string(), 100, 2};
  CAF_REQUIRE(more.open());
  more.write(std::string(80, 'x') + "\n"); // the old size counts
  CAF_CHECK_EQUAL(lines_of(path).size(), 1u);
}

CAF_TEST(a full disk is counted and not fatal) {
  log_file file{"/dev/full", 1 << 20, 0};
  CAF_REQUIRE(file.open());
  file.write("x\n");
  CAF_CHECK_EQUAL(file.failed(), 1u);
  log_file nowhere{"/proc/nothing/log", 100, 1};
  CAF_CHECK(!nowhere.open());
  nowhere.write("dropped");
}

CAF_TEST(levels have words) {
  for (auto word : {"trace", "debug", "info", "warn", "error", "off"})
    CAF_CHECK_EQUAL(log::to_string(*log::level_from_string(word)), word);
  CAF_CHECK(log::level_from_string("loud").error().code == errc::config);
}
