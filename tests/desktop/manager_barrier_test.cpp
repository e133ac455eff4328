// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE manager_barrier

#include "desktop/manager_barrier.hpp"
#include "desktop/windows.hpp"

#include "check.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::desktop;

namespace {

/// A window manager that takes one message at a time, when the test says so, and one program.
struct slow_manager {
  explicit slow_manager(const std::string& display)
    : x(std::move(*connection::open({display, {}}))) {
    auto* c = x->raw();
    for (auto [name, atom] : {std::pair{"_NET_SUPPORTED", &supported},
                              {"_NET_REQUEST_FRAME_EXTENTS", &question},
                              {"_NET_FRAME_EXTENTS", &extents},
                              {"_NET_CLIENT_LIST", &clients},
                              {"_NET_WM_STATE", &state},
                              {"_NET_WM_STATE_MAXIMIZED_VERT", &vertical},
                              {"_NET_WM_STATE_MAXIMIZED_HORZ", &horizontal},
                              {"WM_STATE", &managed}})
      *atom = *x->atom(name);
    const std::uint32_t events = XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT;
    xcb_change_window_attributes(c, x->root(), XCB_CW_EVENT_MASK, &events);
    window = xcb_generate_id(c);
    xcb_create_window(c, XCB_COPY_FROM_PARENT, window, x->root(), 10, 10, 50, 40, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT, 0, nullptr);
    set(window, managed, {1, 0});
    set(x->root(), clients, {window}, XCB_ATOM_WINDOW);
    set(x->root(), supported, {state, question});
    static_cast<void>(x->ping());
  }

  void set(xcb_window_t on, xcb_atom_t name, const std::vector<std::uint32_t>& words,
           xcb_atom_t type = XCB_ATOM_CARDINAL) {
    xcb_change_property(x->raw(), XCB_PROP_MODE_REPLACE, on, name, type, 32,
                        static_cast<std::uint32_t>(words.size()), words.data());
  }

  /// The next message, waited for.
  xcb_client_message_event_t take() {
    for (;;) {
      event_ptr event{xcb_wait_for_event(x->raw())};
      if (!event)
        return {};
      if ((event->response_type & 0x7f) == XCB_CLIENT_MESSAGE)
        return *reinterpret_cast<xcb_client_message_event_t*>(event.get());
    }
  }

  std::unique_ptr<connection> x;
  xcb_window_t window = 0;
  xcb_atom_t supported = 0, question = 0, extents = 0, clients = 0, state = 0, vertical = 0,
             horizontal = 0, managed = 0;
};

} // namespace

CAF_TEST(it is passed when all that was asked before is done and not before) {
  NEEDS_X();
  test::xvfb server;
  slow_manager manager{server.display()};
  auto x = *connection::open({server.display(), {}});
  auto tops = *windows::create(*x);
  CAF_REQUIRE(tops->ask(manager.window, window_request::maximise));
  manager_barrier barrier{*x};
  CAF_CHECK(!barrier.passed());
  CAF_CHECK_EQUAL(manager.take().type, manager.state);
  manager.set(manager.window, manager.state, {manager.vertical, manager.horizontal});
  static_cast<void>(manager.x->ping());
  auto half = *tops->find(manager.window);
  CAF_REQUIRE(half);
  CAF_CHECK(half->maximised);
  CAF_CHECK_EQUAL(half->inner.width, 50u);
  CAF_CHECK(!barrier.passed());
  const std::uint32_t whole[] = {0, 0, 1920, 1080};
  xcb_configure_window(manager.x->raw(), manager.window,
                       XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH
                         | XCB_CONFIG_WINDOW_HEIGHT,
                       whole);
  auto asked = manager.take();
  CAF_CHECK_EQUAL(asked.type, manager.question);
  manager.set(asked.window, manager.extents, {1, 1, 20, 1});
  static_cast<void>(manager.x->ping());
  CAF_CHECK(barrier.passed());
  CAF_CHECK(barrier.passed());
  CAF_CHECK_EQUAL((*tops->find(manager.window))->inner.width, 1920u);
}

CAF_TEST(nobody is waited for where no window manager knows the question) {
  NEEDS_X();
  test::xvfb server;
  auto x = *connection::open({server.display(), {}});
  manager_barrier alone{*x};
  CAF_CHECK(!alone.known());
  CAF_CHECK(alone.passed());
  slow_manager manager{server.display()};
  manager.set(manager.x->root(), manager.supported, {manager.state});
  static_cast<void>(manager.x->ping());
  manager_barrier unknown{*x};
  CAF_CHECK(!unknown.known());
  CAF_CHECK(unknown.passed());
}

CAF_TEST(openbox answers) {
  NEEDS_X("openbox");
  test::xvfb server;
  test::child openbox{{"openbox"}, server.display()};
  auto x = *connection::open({server.display(), {}});
  // It says what it supports before it listens.
  CAF_REQUIRE(test::eventually([&] {
    manager_barrier first{*x};
    auto asked = std::chrono::steady_clock::now();
    while (!first.passed()
           && std::chrono::steady_clock::now() < asked + std::chrono::milliseconds{200})
      continue;
    return first.known() && first.passed();
  }));
  for (int i = 0; i < 20; ++i) {
    manager_barrier barrier{*x};
    CAF_CHECK(test::eventually([&] { return barrier.passed(); }));
  }
}

CAF_TEST(a server that goes ends the wait) {
  NEEDS_X();
  test::xvfb server;
  slow_manager manager{server.display()};
  auto x = *connection::open({server.display(), {}});
  manager_barrier barrier{*x};
  CAF_CHECK(!barrier.passed());
  server.kill();
  CAF_CHECK(barrier.passed());
}
