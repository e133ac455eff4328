// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE act_queue

#include "desktop/key_names.hpp"
#include "desktop/workbench.hpp"

#include "check.hpp"
#include "desktop/key_reader.hpp"
#include "desktop/paint.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <xkbcommon/xkbcommon-keysyms.h>

using namespace holt;
using namespace holt::desktop;
using namespace std::chrono_literals;

namespace {

struct fixture {
  fixture() {
    if (test::skipped("act_queue", {"Xvfb"}))
      return;
    server = std::make_unique<test::xvfb>("640x480x24");
    std::shared_ptr<connection> x{std::move(*connection::open({server->display(), {}}))};
    bench = std::move(*workbench::create(x));
  }

  /// Does `acts` to their end, in real time.
  std::vector<act_outcome> run(std::vector<act> acts, std::chrono::milliseconds effect = 0ms,
                               std::function<result<void>()> allowed = nullptr) {
    std::optional<std::vector<act_outcome>> got;
    bench->acts().add({std::move(acts), effect, std::move(allowed),
                       [&](std::vector<act_outcome> outcomes) { got = std::move(outcomes); }});
    bool done = test::eventually([&] {
      bench->turn(act_queue::clock::now());
      return got.has_value();
    });
    CAF_REQUIRE(done);
    return *got;
  }

  act typed(std::string_view text) { return type_act{*keysyms_of_text(text), 0ms}; }

  std::unique_ptr<test::xvfb> server;
  std::unique_ptr<workbench> bench;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(on_a_desktop, fixture)

CAF_TEST(each act answers where the pointer is afterwards) {
  NEEDS_X();
  auto got = run({move_act{{10, 20}}, click_act{{30, 40}, 1, 2, {}}, move_act{{639, 479}}});
  CAF_REQUIRE_EQUAL(got.size(), 3u);
  for (const auto& one : got)
    CAF_REQUIRE(one.where);
  CAF_CHECK_EQUAL(got[0].where->x, 10);
  CAF_CHECK_EQUAL(got[1].where->y, 40);
  CAF_CHECK_EQUAL(got[2].where->x, 639);
  CAF_CHECK_EQUAL(got[2].where->window, bench->x().root());
}

CAF_TEST(an order with a point off the screen does nothing at all) {
  NEEDS_X();
  run({move_act{{1, 1}}});
  auto got = run({move_act{{10, 20}}, move_act{{640, 1}}});
  CAF_REQUIRE_EQUAL(got.size(), 1u);
  CAF_REQUIRE(!got[0].where);
  CAF_CHECK(got[0].where.error().code == errc::desktop_invalid_action);
  CAF_CHECK(got[0].where.error().detail.rfind("actions[1].x", 0) == 0);
  CAF_CHECK(bench->tops().pointer()->x == 1);
}

CAF_TEST(clicks and wheel arrive as they were ordered) {
  NEEDS_X();
  test::key_reader reader{server->display()};
  run({click_act{{30, 40}, 3, 2, {}}, scroll_act{{30, 40}, 0, 2}, scroll_act{{30, 40}, -1, 0}});
  reader.rest();
  CAF_CHECK(reader.buttons == (std::vector<int>{3, -3, 3, -3, 5, -5, 5, -5, 6, -6}));
}

CAF_TEST(a drag passes points between its ends with the button down) {
  NEEDS_X();
  test::key_reader reader{server->display()};
  auto got = run({drag_act{{{10, 10}, {100, 60}, {20, 200}}, 1, 50ms}});
  CAF_REQUIRE_EQUAL(got.size(), 1u);
  CAF_REQUIRE(got[0].where);
  CAF_CHECK_EQUAL(got[0].where->x, 20);
  CAF_CHECK_EQUAL(got[0].where->y, 200);
  reader.rest();
  CAF_CHECK(reader.buttons == (std::vector<int>{1, -1}));
  CAF_CHECK(bench->hands().held_buttons().empty());
}

CAF_TEST(text of two orders is never mixed) {
  NEEDS_X();
  test::key_reader reader{server->display()};
  unsigned done = 0;
  auto order = [&](const char* text) {
    bench->acts().add(
      {{type_act{*keysyms_of_text(text), 1ms}}, 0ms, nullptr, [&](const std::vector<act_outcome>&) {
         ++done;
       }});
  };
  order("aaaa");
  order("bbbb");
  CAF_CHECK(test::eventually([&] {
    bench->turn(act_queue::clock::now());
    return done == 2;
  }));
  CAF_CHECK_EQUAL(reader.text(8), "aaaabbbb");
}

CAF_TEST(text beyond the layout and combinations arrive) {
  NEEDS_X();
  test::key_reader reader{server->display()};
  run({typed("xÄ漢🎉")});
  CAF_CHECK_EQUAL(reader.text(4), "xÄ漢🎉");
  run({press_act{{XKB_KEY_Control_L}, XKB_KEY_b}});
  reader.text(1);
  CAF_REQUIRE_EQUAL(reader.strokes.size(), 1u);
  CAF_CHECK_EQUAL(reader.strokes[0].sym, keysym{XKB_KEY_b});
  CAF_CHECK(reader.strokes[0].state & XCB_MOD_MASK_CONTROL);
  run({press_act{{XKB_KEY_Shift_L}, XKB_KEY_Tab}});
  reader.text(1);
  CAF_REQUIRE_EQUAL(reader.strokes.size(), 1u);
  CAF_CHECK(reader.strokes[0].state & XCB_MOD_MASK_SHIFT);
  reader.rest();
  CAF_CHECK_EQUAL(reader.pressed, 0);
}

CAF_TEST(what may not act any more stops where it is) {
  NEEDS_X();
  int steps = 0;
  auto got
    = run({move_act{{5, 5}}, move_act{{6, 6}}, move_act{{7, 7}}}, 0ms, [&]() -> result<void> {
        if (++steps > 2)
          return error{errc::control_held, "Ada has taken control"};
        return {};
      });
  CAF_REQUIRE_EQUAL(got.size(), 3u);
  CAF_CHECK(got[1].where);
  CAF_REQUIRE(!got[2].where);
  CAF_CHECK(got[2].where.error().code == errc::control_held);
  CAF_CHECK(bench->tops().pointer()->x == 6);
}

CAF_TEST(what is held is let go when it was forgotten) {
  NEEDS_X();
  test::key_reader reader{server->display()};
  run({key_act{XKB_KEY_Shift_L, true}, button_act{{}, 1, true}});
  auto now = act_queue::clock::now();
  CAF_CHECK(bench->turn(now) <= now + 121s);
  CAF_CHECK_EQUAL(bench->hands().held_keys().size(), 1u);
  bench->turn(now + 121s);
  CAF_CHECK(bench->hands().held_keys().empty());
  CAF_CHECK(bench->hands().held_buttons().empty());
  reader.rest();
  CAF_CHECK_EQUAL(reader.pressed, 0);
}

CAF_TEST(an effect is what is painted afterwards) {
  NEEDS_X();
  test::painter painter{server->display()};
  auto quiet = run({move_act{{9, 9}}}, 50ms);
  CAF_REQUIRE(quiet.size() == 1);
  CAF_CHECK(quiet[0].effect == act_effect::no_visible_change);
  std::optional<std::vector<act_outcome>> got;
  bench->acts().add({{move_act{{8, 8}}}, 2000ms, nullptr, [&](std::vector<act_outcome> outcomes) {
                       got = std::move(outcomes);
                     }});
  CAF_CHECK(!got);
  painter.fill({1, 1, 9, 9}, 0x445566);
  CAF_CHECK(test::eventually([&] {
    bench->turn(act_queue::clock::now());
    return got.has_value();
  }));
  CAF_REQUIRE(got && got->size() == 1);
  CAF_CHECK(got->front().effect == act_effect::confirmed);
}

CAF_TEST(orders that were not done are answered when the desk goes) {
  NEEDS_X();
  unsigned failed = 0;
  for (int i = 0; i < 3; ++i)
    bench->acts().add({{wait_act{10s}}, 0ms, nullptr, [&](const std::vector<act_outcome>& got) {
                         failed += got.size() == 1 && !got[0].where;
                       }});
  bench.reset();
  CAF_CHECK_EQUAL(failed, 3u);
}

CAF_TEST_FIXTURE_SCOPE_END()
