// SPDX-License-Identifier: Apache-2.0
//
// What the machine itself takes for what bench/api asks of a server: bare XTEST, XShm, posix_spawn,
// read(2). bench/api_bench.py compiles and starts it.
//
//   api_floor WHAT COUNT [PATH]   click | pointer | shm | windows | spawn | read | list
//
// One line of microseconds for each of COUNT times, after one that does not count.

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xcb/shm.h>
#include <xcb/xcb.h>
#include <xcb/xtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct display {
  xcb_connection_t* x = nullptr;
  xcb_screen_t* screen = nullptr;

  display() {
    x = xcb_connect(nullptr, nullptr);
    if (xcb_connection_has_error(x) != 0)
      fail("xcb_connect");
    screen = xcb_setup_roots_iterator(xcb_get_setup(x)).data;
  }
  void round_trip() { std::free(xcb_get_input_focus_reply(x, xcb_get_input_focus(x), nullptr)); }
};

std::function<void()> clicks() {
  static display d;
  return [] {
    auto root = d.screen->root;
    xcb_test_fake_input(d.x, XCB_MOTION_NOTIFY, 0, 0, root, 1400, 850, 0);
    xcb_test_fake_input(d.x, XCB_BUTTON_PRESS, 1, 0, root, 0, 0, 0);
    xcb_test_fake_input(d.x, XCB_BUTTON_RELEASE, 1, 0, root, 0, 0, 0);
    d.round_trip();
  };
}

std::function<void()> pointers() {
  static display d;
  return [] {
    std::free(xcb_query_pointer_reply(d.x, xcb_query_pointer(d.x, d.screen->root), nullptr));
  };
}

std::function<void()> captures() {
  static display d;
  static xcb_shm_seg_t segment = xcb_generate_id(d.x);
  auto bytes = std::size_t{d.screen->width_in_pixels} * d.screen->height_in_pixels * 4;
  int id = ::shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
  if (id < 0 || ::shmat(id, nullptr, 0) == reinterpret_cast<void*>(-1))
    fail("shm");
  xcb_shm_attach(d.x, segment, static_cast<std::uint32_t>(id), 0);
  d.round_trip();
  ::shmctl(id, IPC_RMID, nullptr);
  return [] {
    auto asked
      = xcb_shm_get_image(d.x, d.screen->root, 0, 0, d.screen->width_in_pixels,
                          d.screen->height_in_pixels, ~0u, XCB_IMAGE_FORMAT_Z_PIXMAP, segment, 0);
    auto* got = xcb_shm_get_image_reply(d.x, asked, nullptr);
    if (got == nullptr)
      fail("ShmGetImage");
    std::free(got);
  };
}

/// The list of windows, and of each its title and where it is.
std::function<void()> window_lists() {
  static display d;
  auto atom = [](const char* name) {
    auto* got = xcb_intern_atom_reply(
      d.x, xcb_intern_atom(d.x, 0, static_cast<std::uint16_t>(std::strlen(name)), name), nullptr);
    auto id = got != nullptr ? got->atom : 0u;
    std::free(got);
    return id;
  };
  static xcb_atom_t list = atom("_NET_CLIENT_LIST");
  static xcb_atom_t title = atom("_NET_WM_NAME");
  return [] {
    auto* all = xcb_get_property_reply(
      d.x, xcb_get_property(d.x, 0, d.screen->root, list, XCB_ATOM_WINDOW, 0, 1000), nullptr);
    if (all == nullptr)
      fail("GetProperty");
    auto* ids = static_cast<xcb_window_t*>(xcb_get_property_value(all));
    auto n = static_cast<std::size_t>(xcb_get_property_value_length(all)) / 4;
    std::vector<xcb_get_property_cookie_t> titles;
    std::vector<xcb_translate_coordinates_cookie_t> places;
    for (std::size_t i = 0; i < n; ++i) {
      titles.push_back(xcb_get_property(d.x, 0, ids[i], title, XCB_GET_PROPERTY_TYPE_ANY, 0, 256));
      places.push_back(xcb_translate_coordinates(d.x, ids[i], d.screen->root, 0, 0));
    }
    for (std::size_t i = 0; i < n; ++i) {
      std::free(xcb_get_property_reply(d.x, titles[i], nullptr));
      std::free(xcb_translate_coordinates_reply(d.x, places[i], nullptr));
    }
    std::free(all);
  };
}

std::function<void()> spawns() {
  return [] {
    char name[] = "true";
    char* const arguments[] = {name, nullptr};
    char* const environment[] = {nullptr};
    pid_t child = 0;
    if (::posix_spawn(&child, "/usr/bin/true", nullptr, nullptr, arguments, environment) != 0)
      fail("posix_spawn");
    ::waitpid(child, nullptr, 0);
  };
}

std::function<void()> reads(const std::string& path) {
  static std::vector<char> buffer(1 << 20);
  return [path] {
    int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
      fail(path.c_str());
    while (::read(file, buffer.data(), buffer.size()) > 0)
      ;
    ::close(file);
  };
}

std::function<void()> lists(const std::string& path) {
  return [path] {
    auto* folder = ::opendir(path.c_str());
    if (folder == nullptr)
      fail(path.c_str());
    while (auto* entry = ::readdir(folder)) {
      struct stat about;
      ::fstatat(::dirfd(folder), entry->d_name, &about, 0);
    }
    ::closedir(folder);
  };
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return 64;
  std::string what = argv[1];
  std::string path = argc > 3 ? argv[3] : "";
  auto act = what == "click"     ? clicks()
             : what == "pointer" ? pointers()
             : what == "shm"     ? captures()
             : what == "windows" ? window_lists()
             : what == "spawn"   ? spawns()
             : what == "read"    ? reads(path)
                                 : lists(path);
  act();
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    auto began = std::chrono::steady_clock::now();
    act();
    std::printf(
      "%.1f\n",
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
  }
}
