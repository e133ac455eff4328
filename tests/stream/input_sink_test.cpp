// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE input_sink

#include "stream/clipboard_bridge.hpp"
#include "stream/cursor_watch.hpp"
#include "stream/input_sink.hpp"

#include "check.hpp"
#include "desktop/key_reader.hpp"
#include "desktop/paint.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <xkbcommon/xkbcommon-keysyms.h>

#include <algorithm>
#include <utility>

using namespace holt;
using namespace holt::stream;
using namespace std::chrono_literals;

namespace {

struct desk {
  desk()
    : worker({server.display(), {}}, [this](const error&) { lost = true; }),
      sink(worker),
      cursor(worker, {[this](auto) { ++images; }, [this](auto p) { place = p; }}),
      board(worker,
            [this](const std::string& t) {
              std::lock_guard lock{mutex};
              heard.push_back(t);
            }),
      reader(server.display()) {
    CAF_REQUIRE(worker.start());
  }
  ~desk() { worker.stop(); }

  bool settled(int keys_down) {
    return test::eventually([&] {
      typed += reader.rest();
      return reader.pressed == keys_down;
    });
  }

  bool released(const std::vector<int>& buttons) {
    return test::eventually([&] {
      typed += reader.rest();
      return reader.buttons == buttons;
    });
  }

  test::xvfb server{"640x480x24"};
  std::atomic<bool> lost{false};
  std::atomic<int> images{0};
  std::atomic<desktop::pointer_position> place{};
  std::mutex mutex;
  std::vector<std::string> heard;
  std::string typed;
  x_worker worker;
  input_sink sink;
  cursor_watch cursor;
  clipboard_bridge board;
  test::key_reader reader;
};

} // namespace

CAF_TEST(wheel pixels become clicks of the other sign) {
  wheel_converter w;
  auto is = [](wheel_converter::clicks c, int dx, int dy) { return c.dx == dx && c.dy == dy; };
  CAF_CHECK(is(w.feed(0, 100), 0, -1));
  CAF_CHECK(is(w.feed(0, -120), 0, 1));
  CAF_CHECK(is(w.feed(0, 40), 0, 0)); // turned round: the 20 left are forgotten
  CAF_CHECK(is(w.feed(0, 40), 0, 0));
  CAF_CHECK(is(w.feed(0, 40), 0, -1));
  CAF_CHECK(is(w.feed(-300, 0), 3, 0));
  CAF_CHECK(is(w.feed(32767, -32768), -327, 327));
}

CAF_TEST(a viewer that goes releases what it alone holds) {
  NEEDS_X("xclip");
  desk d;
  d.sink.key(1, XKB_KEY_Control_L, true);
  d.sink.key(1, 'x', true);
  d.sink.key(2, XKB_KEY_Control_L, true);
  d.sink.button(1, 1, true);
  CAF_CHECK(d.settled(2));
  d.sink.close(1);
  CAF_CHECK(d.settled(1));
  CAF_CHECK(d.released({1, -1}));
  d.sink.close(2);
  CAF_CHECK(d.settled(0));
}

CAF_TEST(the end of the worker releases everything) {
  NEEDS_X("xclip");
  desk d;
  d.sink.key(1, 'a', true);
  d.sink.button(1, 3, true);
  CAF_CHECK(d.settled(1));
  CAF_CHECK(d.released({3})); // the press came after the key: without it the end would drop it
  d.worker.stop();
  CAF_CHECK(d.settled(0));
  CAF_CHECK(d.released({3, -3}));
}

CAF_TEST(more foreign characters than spare keys are typed in order) {
  NEEDS_X("xclip");
  using clock = std::chrono::steady_clock;
  for (int tries = 1;; ++tries) {
    desk d;
    std::string want;
    for (char32_t p = 0x3042; p < 0x3042 + 24; ++p) {
      d.sink.key(1, 0x0100'0000 + p, true);
      d.sink.key(1, 0x0100'0000 + p, false);
      want += static_cast<char>(0xe0 | p >> 12);
      want += static_cast<char>(0x80 | (p >> 6 & 0x3f));
      want += static_cast<char>(0x80 | (p & 0x3f));
    }
    auto looked = clock::now();
    clock::duration longest{};
    const bool all = test::eventually([&] {
      d.typed += d.reader.rest();
      const auto now = clock::now();
      longest = std::max(longest, now - std::exchange(looked, now));
      return d.typed.size() >= want.size();
    });
    // Who looks only when a spare key has rested reads what the key means by then: once more.
    if (d.typed != want && longest > 500ms && tries < 5)
      continue;
    CAF_CHECK(all);
    CAF_CHECK_EQUAL(d.typed, want);
    CAF_CHECK_EQUAL(d.sink.dropped(), 0u);
    break;
  }
}

CAF_TEST(scrolling is clamped and obeys the mark) {
  NEEDS_X("xclip");
  desk d;
  d.sink.move(1, 100, 100);
  d.sink.scroll(1, 0, 30'000, false);
  d.sink.set_dom_wheel(2, true);
  d.sink.scroll(2, 0, 250, false);
  d.sink.scroll(1, -1, 0, true);
  CAF_CHECK(test::eventually([&] {
    d.reader.rest();
    return d.reader.buttons.size() >= 2 * (20 + 2 + 1);
  }));
  auto count
    = [&](int b) { return std::count(d.reader.buttons.begin(), d.reader.buttons.end(), b); };
  CAF_CHECK_EQUAL(count(4), 20);
  CAF_CHECK_EQUAL(count(5), 2);
  CAF_CHECK_EQUAL(count(7), 1);
  CAF_CHECK(d.settled(0));
}

CAF_TEST(a flood of input is bounded and leaves nothing pressed) {
  NEEDS_X("xclip");
  desk d;
  ::kill(d.server.pid(), SIGSTOP);
  for (int i = 0; i < 20'000; ++i) {
    d.sink.key(1, 'a' + static_cast<unsigned>(i) % 26, true);
    d.sink.move(1, i, i);
  }
  d.sink.close(1);
  CAF_CHECK(d.sink.dropped() > 0);
  ::kill(d.server.pid(), SIGCONT);
  // Nothing is pressed before the flood either: look once it is through, when another viewer's
  // key arrives behind it.
  CAF_CHECK(test::eventually([&] {
    d.sink.key(2, '7', true);
    d.sink.key(2, '7', false);
    d.typed += d.reader.rest();
    return d.typed.find('7') != std::string::npos;
  }));
  CAF_CHECK(d.settled(0));
}

CAF_TEST(position and picture of the pointer are told while somebody watches) {
  NEEDS_X("xclip");
  desk d;
  CAF_CHECK(d.cursor.image() != nullptr);
  d.sink.move(1, 50, 60);
  d.cursor.set_viewers(1);
  CAF_CHECK(test::eventually([&] { return d.place.load() == desktop::pointer_position{50, 60}; }));
  d.sink.move(1, 70, 80);
  CAF_CHECK(test::eventually([&] { return d.place.load() == desktop::pointer_position{70, 80}; }));
  auto before = d.images.load();
  d.sink.move(1, 600, 470); // off the reader's window
  test::painter painter{d.server.display()};
  painter.set_cursor(68);
  CAF_CHECK(test::eventually([&] { return d.images > before; }));
}

CAF_TEST(the clipboard goes both ways) {
  NEEDS_X("xclip");
  desk d;
  CAF_REQUIRE(d.board.set("hin"));
  CAF_CHECK(test::eventually([&] { return d.board.text() == "hin"; }));
  int ends[2];
  CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
  test::child copy{
    {"xclip", "-quiet", "-selection", "clipboard", "-i"}, d.server.display(), ends[0]};
  CAF_CHECK(::write(ends[1], "her", 3) == 3);
  ::close(ends[0]);
  ::close(ends[1]);
  CAF_CHECK(test::eventually([&] { return d.board.text() == "her"; }));
  const std::vector<std::string> both{"hin", "her"};
  CAF_CHECK(test::eventually([&] { // told after the text is there
    std::lock_guard lock{d.mutex};
    return d.heard == both;
  }));
}

CAF_TEST(a lost X server is told) {
  NEEDS_X("xclip");
  desk d;
  d.server.kill();
  CAF_CHECK(test::eventually([&] { return d.lost.load(); }));
  d.sink.key(1, 'a', true);
  d.worker.stop();
}
