// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE hand_log

#include "actors/hand_log.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace std::chrono_literals;
using desktop::hand_event;
using desktop::hand_move;

namespace {

struct fixture {
  hand_log quiet{false};
  control::standing now;
  hand_log::clock::time_point at{};

  fixture() {
    now.epoch = 3;
    now.driver = "Ada";
  }
  void button(hand_log& log, hand_move what, unsigned number, desktop::point where) {
    hand_event out;
    out.what = what;
    out.button = number;
    out.at = where;
    log.add(out, now, at);
  }
  void click(desktop::point where) {
    button(quiet, hand_move::button_down, 1, where);
    button(quiet, hand_move::button_up, 1, where);
  }
  void key(hand_log& log, const char* text, const char* name = "") {
    hand_event out;
    out.text = text;
    out.key = name;
    log.add(out, now, at);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(hand_log_tests, fixture)

CAF_TEST(typed characters are counted and told only where it is wanted) {
  for (const char* letter : {"s", "ä", "日"})
    key(quiet, letter);
  auto page = quiet.page(0, 10);
  CAF_REQUIRE_EQUAL(page["entries"].size(), 1u);
  CAF_CHECK_EQUAL(page["entries"][0]["keys"].get<int>(), 3);
  CAF_CHECK_EQUAL(page["entries"][0]["name"].get<std::string>(), "Ada");
  CAF_CHECK(page.dump().find("ä") == std::string::npos);
  hand_log open{true};
  key(open, "s");
  key(open, "ä");
  CAF_CHECK_EQUAL(open.page(0, 10)["entries"][0]["text"].get<std::string>(), "sä");
}

CAF_TEST(clicks at one place join and a far release is a drag) {
  click({10, 10});
  click({12, 11});
  click({90, 10});
  button(quiet, hand_move::button_down, 1, {90, 10});
  button(quiet, hand_move::button_up, 1, {190, 60});
  auto list = quiet.page(0, 10)["entries"];
  CAF_REQUIRE_EQUAL(list.size(), 3u);
  CAF_CHECK_EQUAL(list[0]["count"].get<int>(), 2);
  CAF_CHECK_EQUAL(list[1]["count"].get<int>(), 1);
  CAF_CHECK_EQUAL(list[2]["kind"].get<std::string>(), "drag");
  CAF_CHECK_EQUAL(list[2]["toX"].get<int>(), 190);
}

CAF_TEST(what was told once does not change any more) {
  key(quiet, "a");
  auto first = quiet.page(0, 10);
  key(quiet, "b");
  auto second = quiet.page(first["next"].get<std::uint64_t>(), 10);
  CAF_REQUIRE_EQUAL(second["entries"].size(), 1u);
  CAF_CHECK_EQUAL(second["entries"][0]["keys"].get<int>(), 1);
}

CAF_TEST(the wheel adds up and keys keep their names) {
  for (unsigned number : {5u, 5u, 4u, 7u})
    button(quiet, hand_move::button_down, number, {5, 5});
  key(quiet, "", "ctrl+c");
  key(quiet, "", "ctrl+c");
  auto list = quiet.page(0, 10)["entries"];
  CAF_REQUIRE_EQUAL(list.size(), 2u);
  CAF_CHECK_EQUAL(list[0]["dy"].get<int>(), 1);
  CAF_CHECK_EQUAL(list[0]["dx"].get<int>(), 1);
  CAF_CHECK_EQUAL(list[1]["count"].get<int>(), 2);
}

CAF_TEST(another epoch is another entry and old ones are forgotten) {
  key(quiet, "a");
  ++now.epoch;
  key(quiet, "a");
  CAF_CHECK_EQUAL(quiet.page(0, 10)["entries"].size(), 2u);
  for (int i = 0; i < 1'500; ++i)
    click({i * 20, 0});
  auto page = quiet.page(0, 5);
  CAF_CHECK_EQUAL(page["entries"].size(), 5u);
  CAF_CHECK(page["first"].get<std::uint64_t>() > 500);
}

CAF_TEST_FIXTURE_SCOPE_END()
