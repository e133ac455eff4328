// SPDX-License-Identifier: Apache-2.0
//
// What the benches show on a desktop: a square that changes its colour at told moments, or a
// screen in motion. bench/lib/rig.mjs compiles and starts it; it draws over all windows of the
// root and ends by itself.
//
//   screen flip COUNT INTERVAL_MS   one line a change: wall clock in µs, colour (0 blue, 1 green)
//   screen move SECONDS             720p at 30 fps: scrolled lines of text-like marks and a slider

#include <xcb/xcb.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono;

constexpr std::uint32_t paper = 0xeeeeee;
constexpr xcb_rectangle_t target{560, 300, 160, 120};
constexpr std::array<std::uint32_t, 2> colours{0x0000ff, 0x00ff00};

struct canvas {
  xcb_connection_t* x = nullptr;
  xcb_window_t root = 0;
  xcb_gcontext_t pen = 0;

  bool open() {
    int screen = 0;
    x = xcb_connect(nullptr, &screen);
    if (xcb_connection_has_error(x) != 0)
      return false;
    root = xcb_setup_roots_iterator(xcb_get_setup(x)).data->root;
    pen = xcb_generate_id(x);
    const std::uint32_t over = XCB_SUBWINDOW_MODE_INCLUDE_INFERIORS;
    xcb_create_gc(x, pen, root, XCB_GC_SUBWINDOW_MODE, &over);
    return true;
  }

  void colour(std::uint32_t value) const { xcb_change_gc(x, pen, XCB_GC_FOREGROUND, &value); }

  void fill(const xcb_rectangle_t& area) const { xcb_poly_fill_rectangle(x, root, pen, 1, &area); }

  /// All of it is on the screen when this returns.
  bool sync() const {
    auto* answer = xcb_get_input_focus_reply(x, xcb_get_input_focus(x), nullptr);
    std::free(answer);
    return answer != nullptr;
  }
};

int flip(const canvas& on, int count, milliseconds interval) {
  std::mt19937 random{20'260'101};
  std::uniform_int_distribution<int> jitter{0, 40'000};
  for (int i = 0; i < count; ++i) {
    // Not in step with the encoder's frames.
    std::this_thread::sleep_for(interval + microseconds{jitter(random)});
    auto which = static_cast<std::size_t>(i % 2);
    on.colour(colours[which]);
    auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    on.fill(target);
    if (!on.sync())
      return 1;
    std::printf("%lld %zu\n", static_cast<long long>(now), which);
    std::fflush(stdout);
  }
  return 0;
}

/// One line of marks as dense as text, 8 pixels high.
void write_line(const canvas& on, std::mt19937& random) {
  on.colour(paper);
  on.fill({40, 696, 1200, 8});
  on.colour(random() & 0x7f7f7f);
  std::vector<xcb_rectangle_t> marks;
  auto letters = 100 + random() % 80;
  for (unsigned i = 0; i < letters; ++i)
    for (unsigned stroke = 0; stroke < 3; ++stroke) {
      auto x = static_cast<std::int16_t>(44 + i * 6 + random() % 4);
      auto y = static_cast<std::int16_t>(696 + random() % 6);
      marks.push_back({x, y, static_cast<std::uint16_t>(1 + random() % 3), 2});
    }
  xcb_poly_fill_rectangle(on.x, on.root, on.pen, static_cast<std::uint32_t>(marks.size()),
                          marks.data());
}

int move(const canvas& on, double limit_s) {
  std::mt19937 random{20'260'102};
  on.colour(paper);
  on.fill({0, 0, 1280, 720});
  auto began = steady_clock::now();
  auto period = nanoseconds{1'000'000'000 / 30};
  auto frames = static_cast<int>(limit_s * 30);
  for (int i = 0; i < frames; ++i) {
    std::this_thread::sleep_until(began + i * period);
    xcb_copy_area(on.x, on.root, on.root, on.pen, 40, 64, 40, 60, 1200, 640);
    if (i % 4 == 0)
      write_line(on, random);
    on.colour(0x3060c0 + static_cast<std::uint32_t>(i * 3 & 0xff));
    on.fill({static_cast<std::int16_t>(i * 9 % 900), 20, 300, 30});
    if (!on.sync())
      return 1;
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  canvas on;
  if (argc < 3 || !on.open()) {
    std::fprintf(stderr, "usage: DISPLAY=:N screen flip COUNT INTERVAL_MS | screen move SECONDS\n");
    return 64;
  }
  if (std::strcmp(argv[1], "flip") == 0)
    return flip(on, std::atoi(argv[2]), milliseconds{argc > 3 ? std::atoi(argv[3]) : 250});
  return move(on, std::atof(argv[2]));
}
