// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE recording

// The files of recordings without ffmpeg: numbers, documents, settling, how an end is judged.

#include "actors/recording_plan.hpp"
#include "files/mp4_fragments.hpp"

#include "tests/actors/actor_fixture.hpp"
#include "tests/files/mp4_boxes.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace holt;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;
using test::mp4::fragment;
using test::mp4::header;

void write(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

struct fixture {
  std::string folder;
  fixture() {
    char name[] = "/tmp/holt-recording-XXXXXX";
    folder = mkdtemp(name);
  }
  ~fixture() { fs::remove_all(folder); }
  std::string file(const std::string& name) const { return folder + "/" + name; }
};

recording like() {
  recording out;
  out.fps = 10;
  out.width = 640;
  out.height = 480;
  out.started = std::chrono::system_clock::now();
  return out;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(recording_tests, fixture)

CAF_TEST(numbers are never given twice) {
  recording_store store{file("r")};
  CAF_REQUIRE(store.open().has_value());
  auto first = store.create(like());
  CAF_REQUIRE(first.has_value());
  CAF_CHECK_EQUAL(first->id(), "rec_1");
  CAF_CHECK(store.remove("rec_1").has_value());
  auto second = store.create(like());
  CAF_REQUIRE(second.has_value());
  CAF_CHECK_EQUAL(second->id(), "rec_2");
  CAF_CHECK(store.remove("rec_2").has_value());
  recording_store again{file("r")};
  CAF_REQUIRE(again.open().has_value());
  auto third = again.create(like());
  CAF_REQUIRE(third.has_value());
  CAF_CHECK_EQUAL(third->id(), "rec_3");
  struct stat now {};
  CAF_REQUIRE(stat(again.path_of(*third).c_str(), &now) == 0);
  CAF_CHECK_EQUAL(now.st_mode & 0777, 0600u);
}

CAF_TEST(a video whose number was lost is not written over) {
  CAF_REQUIRE(fs::create_directory(file("r")));
  write(file("r/rec_7.mp4"), header() + fragment(0, "abc"));
  write(file("r/rec_x.mp4"), "not ours");
  recording_store store{file("r")};
  CAF_REQUIRE(store.open().has_value());
  auto made = store.create(like());
  CAF_REQUIRE(made.has_value());
  CAF_CHECK_EQUAL(made->id(), "rec_8");
  auto found = store.find("rec_7");
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->status == recording_status::failed);
  CAF_CHECK_EQUAL(found->bytes, (header() + fragment(0, "abc")).size());
  CAF_CHECK_EQUAL(store.size(), 2u);
}

CAF_TEST(what a dead daemon left is settled and kept) {
  {
    recording_store store{file("r")};
    CAF_REQUIRE(store.open().has_value());
    auto made = store.create(like());
    CAF_REQUIRE(made.has_value());
    write(store.path_of(*made), header() + fragment(0, "abc") + fragment(9, "de").substr(0, 40));
    auto part = store.begin_part(*made, 1s);
    CAF_REQUIRE(part.has_value());
    write(part->path, header() + fragment(0, "f") + "half");
  }
  recording_store store{file("r")};
  CAF_REQUIRE(store.open().has_value());
  auto found = store.find("rec_1");
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->status == recording_status::failed);
  CAF_CHECK(!found->reason.empty());
  const auto map = files::map_fragments(store.path_of(*found));
  CAF_REQUIRE(map.has_value());
  CAF_CHECK_EQUAL(map->fragments, 2u);
  CAF_CHECK_EQUAL(map->whole_end, found->bytes);
  CAF_CHECK(!fs::exists(file("r/rec_1.part.mp4")));
}

CAF_TEST(a join that a dead daemon began is done once) {
  {
    recording_store store{file("r")};
    CAF_REQUIRE(store.open().has_value());
    auto made = store.create(like());
    CAF_REQUIRE(made.has_value());
    const auto first = header() + fragment(0, "abc");
    // As it is between the joining and the removal of the part.
    write(store.path_of(*made), first + fragment(90'000, "f"));
    write(file("r/rec_1.part.mp4"), header() + fragment(0, "f"));
    write(file("r/rec_1.json"), "{\"status\":\"recording\",\"startedMs\":1,\"partAtMs\":1000,"
                                "\"joinedFrom\":"
                                  + std::to_string(first.size()) + "}");
  }
  recording_store store{file("r")};
  CAF_REQUIRE(store.open().has_value());
  const auto map = files::map_fragments(file("r/rec_1.mp4"));
  CAF_REQUIRE(map.has_value());
  CAF_CHECK_EQUAL(map->fragments, 2u);
}

CAF_TEST(broken documents cost themselves only) {
  CAF_REQUIRE(fs::create_directory(file("r")));
  write(file("r/rec_1.json"), "{\"status\": 7, \"fps\": \"x\", \"lastLines\": {}}");
  write(file("r/rec_2.json"), "[");
  write(file("r/last"), "not a number");
  recording_store store{file("r")};
  CAF_REQUIRE(store.open().has_value());
  CAF_CHECK_EQUAL(store.size(), 2u);
  for (const auto& one : store.list())
    CAF_CHECK(one.status == recording_status::failed);
  auto made = store.create(like());
  CAF_REQUIRE(made.has_value());
  CAF_CHECK_EQUAL(made->number, 3u);
}

CAF_TEST(ids are read strictly) {
  recording_store store{file("r")};
  CAF_REQUIRE(store.open().has_value());
  CAF_REQUIRE(store.create(like()).has_value());
  CAF_CHECK(store.find("rec_1").has_value());
  for (const auto* id : {"", "rec_", "rec_01", "rec_1 ", "rec_-1", "rec_1.mp4", "../rec_1", "last",
                         "rec_99999999999999999999"})
    CAF_CHECK(!store.find(id).has_value());
}

CAF_TEST(an end is judged by its cause) {
  recording_limits limits;
  limits.max_seconds = 10;
  limits.max_bytes = 1'000'000;
  supervision::exited clean;
  auto at_limit = judge(clean, limits, 9'500ms, 10, 1'000'000);
  CAF_CHECK(at_limit.how == run_end::limit);
  auto full = judge(clean, limits, 2s, 990'000, 1'000'000);
  CAF_CHECK(full.how == run_end::limit);
  CAF_CHECK(full.reason.find("recording.max_bytes") != std::string::npos);
  auto all_full = judge(clean, limits, 2s, 495'000, 500'000);
  CAF_CHECK(all_full.reason.find("recording.max_total_bytes") != std::string::npos);
  auto early = judge(clean, limits, 2s, 10, 1'000'000);
  CAF_CHECK(early.how == run_end::died);
  supervision::exited killed;
  killed.cause = death_cause::signal;
  killed.code = 9;
  auto dead = judge(killed, limits, 9'900ms, 10, 1'000'000);
  CAF_CHECK(dead.how == run_end::died);
  CAF_CHECK(dead.reason.find("signal 9") != std::string::npos);
}

CAF_TEST(every part of a video has the same shape) {
  recording_run how;
  how.display = ":5";
  how.screen_width = 801;
  how.screen_height = 600;
  how.width = even(801);
  how.height = even(600);
  how.fps = 10;
  how.path = "/x";
  CAF_CHECK_EQUAL(how.width, 802u);
  const auto arguments = ffmpeg_arguments(how);
  auto chain = std::find(arguments.begin(), arguments.end(), "-vf");
  CAF_REQUIRE(chain != arguments.end());
  how.screen_width = 1600;
  const auto other = ffmpeg_arguments(how);
  CAF_CHECK(std::find(other.begin(), other.end(), *(chain + 1)) != other.end());
  CAF_CHECK(std::find(other.begin(), other.end(), "1600x600") != other.end());
}

CAF_TEST_FIXTURE_SCOPE_END()
