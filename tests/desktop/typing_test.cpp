// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE typing

#include "desktop/input.hpp"

#include "check.hpp"
#include "desktop/key_reader.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <xkbcommon/xkbcommon-keysyms.h>

#include <future>
#include <span>

using namespace holt;
using namespace holt::desktop;
using namespace std::chrono_literals;

namespace {

constexpr keysym shift = XKB_KEY_Shift_L;
constexpr keysym altgr = XKB_KEY_ISO_Level3_Shift;
constexpr keysym control = XKB_KEY_Control_L;

keysym unicode(char32_t point) {
  return 0x0100'0000u + point;
}

struct desk {
  explicit desk(const std::string& layout = {}, input_options options = {},
                const std::vector<std::string>& more = {})
    : server("1920x1080x24", more) {
    if (!layout.empty())
      test::run(server.display(), {"setxkbmap", layout});
    x = std::move(*connection::open({server.display(), {}}));
    keys = std::move(*input::create(*x, options));
    reader = std::make_unique<test::key_reader>(server.display());
  }
  void events() {
    static_cast<void>(x->ping());
    while (auto event = x->next_event())
      keys->on_event(*event);
  }
  void tap(keysym sym) {
    events();
    CAF_CHECK(keys->key(sym, true));
    CAF_CHECK(keys->key(sym, false));
  }
  /// Types keysyms one after the other and answers what the window read.
  std::string typed(std::initializer_list<keysym> syms) {
    for (auto sym : syms)
      tap(sym);
    static_cast<void>(x->ping());
    return reader->text(syms.size());
  }

  test::xvfb server;
  std::unique_ptr<connection> x;
  std::unique_ptr<input> keys;
  std::unique_ptr<test::key_reader> reader;
};

} // namespace

CAF_TEST(who goes lets go of everything although the X server is slow to read) {
  NEEDS_X();
  desk d;
  CAF_REQUIRE(d.keys->key('a', true));
  static_cast<void>(d.x->ping());
  static_cast<void>(d.reader->rest());
  CAF_REQUIRE_EQUAL(d.reader->pressed, 1);
  ::kill(d.server.pid(), SIGSTOP);
  auto gone = std::async(std::launch::async, [&d] {
    d.keys.reset();
    d.x.reset();
  });
  // A limit: who does not wait for the server is through long before.
  CAF_CHECK(gone.wait_for(200ms) == std::future_status::timeout);
  ::kill(d.server.pid(), SIGCONT);
  gone.get();
  CAF_CHECK(test::eventually([&d] {
    static_cast<void>(d.reader->rest());
    return d.reader->pressed == 0;
  }));
}

CAF_TEST(a capital letter is typed with and without Shift held) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d;
  CAF_CHECK_EQUAL(d.typed({'H', 'h', 'A'}), "HhA");
  CAF_REQUIRE(d.keys->key(shift, true));
  CAF_CHECK_EQUAL(d.typed({'A', 'a', '!', '1', 'B'}), "Aa!1B");
  CAF_REQUIRE(d.keys->key(shift, false));
  CAF_CHECK_EQUAL(d.typed({'a'}), "a");
  CAF_CHECK_EQUAL(d.reader->rest(), "");
  CAF_CHECK_EQUAL(d.reader->pressed, 0);
}

CAF_TEST(every printable character of ASCII arrives on four layouts) {
  NEEDS_X("setxkbmap", "xkbcomp");
  for (const auto* layout : {"us", "de", "fr", "ru"}) {
    desk d{layout, {spare_end::lowest, 0ms}};
    std::string all;
    for (char c = ' '; c <= '~'; ++c)
      all += c;
    std::string got;
    for (char c : all)
      got += d.typed({static_cast<keysym>(c)});
    CAF_CHECK_EQUAL(got, all);
    CAF_CHECK_EQUAL(d.reader->rest(), "");
    CAF_CHECK_EQUAL(d.reader->pressed, 0);
  }
}

CAF_TEST(characters of the third level need no AltGr from the viewer and bear one) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"de"};
  CAF_CHECK_EQUAL(d.typed({'@', XKB_KEY_EuroSign, '{'}), "@€{");
  CAF_REQUIRE(d.keys->key(altgr, true));
  CAF_CHECK_EQUAL(d.typed({'@', 'q', unicode(U'€')}), "@q€");
  CAF_REQUIRE(d.keys->key(altgr, false));
  CAF_CHECK_EQUAL(d.typed({XKB_KEY_dead_acute}), "");
  CAF_CHECK_EQUAL(d.reader->strokes.back().sym, static_cast<keysym>(XKB_KEY_dead_acute));
}

CAF_TEST(what the layout lacks comes from spare keys) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  CAF_CHECK_EQUAL(d.typed({XKB_KEY_adiaeresis, XKB_KEY_ssharp, XKB_KEY_EuroSign}), "äß€");
  CAF_CHECK_EQUAL(d.typed({unicode(U'日'), unicode(U'😀'), unicode(U'ä')}), "日😀ä");
  CAF_REQUIRE(d.keys->key(shift, true));
  CAF_CHECK_EQUAL(d.typed({XKB_KEY_Adiaeresis, XKB_KEY_adiaeresis}), "Ää");
  CAF_REQUIRE(d.keys->key(shift, false));
}

CAF_TEST(Caps Lock on the desktop does not change what is typed) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  d.tap(XKB_KEY_Caps_Lock);
  CAF_CHECK_EQUAL(d.typed({'a', 'B', '1', XKB_KEY_adiaeresis, 'c'}), "aB1äc");
}

CAF_TEST(a shortcut keeps its key whatever the case) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  CAF_REQUIRE(d.keys->key(control, true));
  d.typed({'C', 'c'});
  for (const auto& s : d.reader->strokes)
    CAF_CHECK_EQUAL(s.state & 0x5, 0x4);
  CAF_REQUIRE(d.keys->key(shift, true));
  d.typed({'C'});
  CAF_CHECK_EQUAL(d.reader->strokes.back().state & 0x5, 0x5);
}

CAF_TEST(keypad and function keys are themselves) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  for (auto sym : {XKB_KEY_KP_1, XKB_KEY_KP_End, XKB_KEY_F5, XKB_KEY_Return, XKB_KEY_Left}) {
    d.typed({static_cast<keysym>(sym)});
    CAF_CHECK_EQUAL(d.reader->strokes.back().sym, static_cast<keysym>(sym));
  }
}

CAF_TEST(spare keys are reused when they have rested and not before) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us", {spare_end::lowest, 60s}};
  std::size_t typed = 0;
  char32_t point = 0x4e00;
  result<void> last;
  while (typed < 200 && (last = d.keys->key(unicode(point), true))) {
    static_cast<void>(d.keys->key(unicode(point), false));
    d.events();
    ++point;
    ++typed;
  }
  CAF_CHECK(typed >= 4);
  CAF_REQUIRE(!last);
  CAF_CHECK(last.error().code == errc::busy);
  CAF_CHECK(d.keys->retry_at() > spare_keys::clock::now() + 10s);
  // One that is there already still works.
  CAF_CHECK(d.keys->key(unicode(0x4e00), true));
}

CAF_TEST(a text gets its spare keys at once and keeps them while it is typed) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us", {spare_end::lowest, 60s}};
  // Without XKB: who knows that is not sent the core event.
  const std::unique_ptr<xcb_connection_t, decltype(&xcb_disconnect)> witness{
    xcb_connect(d.server.display().c_str(), nullptr), xcb_disconnect};
  auto changes = [&] {
    int count = 0;
    static_cast<void>(d.x->ping());
    std::free(
      xcb_get_input_focus_reply(witness.get(), xcb_get_input_focus(witness.get()), nullptr));
    while (auto* event = xcb_poll_for_queued_event(witness.get())) {
      count += (event->response_type & 0x7f) == XCB_MAPPING_NOTIFY ? 1 : 0;
      std::free(event);
    }
    return count;
  };
  std::vector<keysym> text;
  for (char32_t point = U'а'; point < U'а' + 8; ++point) {
    text.push_back(unicode(point));
    text.push_back('x');
    text.push_back(unicode(U'а'));
  }
  // The server tells also when another keyboard is used from now on.
  d.tap(unicode(U'ж' + 100));
  static_cast<void>(d.reader->text(1));
  d.events();
  static_cast<void>(changes());
  auto ready = d.keys->prepare(text);
  CAF_REQUIRE(ready);
  CAF_CHECK_EQUAL(*ready, text.size());
  auto made = changes();
  CAF_CHECK(made >= 1); // before the first key, none while it is typed
  for (auto sym : text)
    d.tap(sym);
  CAF_CHECK_EQUAL(changes(), 0);
  CAF_CHECK_EQUAL(d.reader->text(text.size()), "аxабxавxагxадxаеxажxазxа");
  ready = d.keys->prepare(text);
  CAF_CHECK(ready && *ready == text.size());
  CAF_CHECK_EQUAL(changes(), 0);
}

CAF_TEST(a text with more letters than spare keys waits until many have rested) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us", {spare_end::lowest, 60s}};
  std::vector<keysym> text;
  for (char32_t point = U'一'; point < U'一' + 300; ++point)
    text.push_back(unicode(point));
  auto first = d.keys->prepare(text);
  CAF_REQUIRE(first);
  CAF_CHECK(*first > 1 && *first < text.size());
  auto second = d.keys->prepare(std::span{text}.subspan(*first));
  CAF_REQUIRE(!second);
  CAF_CHECK(second.error().code == errc::busy);
  CAF_CHECK(d.keys->retry_at() > spare_keys::clock::now() + 10s);
}

CAF_TEST(two pools share the spare keys without a quarrel) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us", {spare_end::lowest, 60s}};
  auto other_x = std::move(*connection::open({d.server.display(), {}}));
  auto other = std::move(*input::create(*other_x, {spare_end::highest, 60s}));
  auto fill = [](input& keys, connection& x, char32_t from) {
    char32_t n = 0;
    for (; n < 100; ++n) {
      while (auto event = x.next_event())
        keys.on_event(*event);
      if (!keys.key(unicode(from + n), true))
        break;
      static_cast<void>(keys.key(unicode(from + n), false));
      static_cast<void>(x.ping());
    }
    return n;
  };
  auto mine = fill(*d.keys, *d.x, 0x4e00);
  auto theirs = fill(*other, *other_x, 0x5e00);
  CAF_CHECK(mine >= 3u);
  CAF_CHECK(theirs >= 3);
  d.reader->rest();
  CAF_CHECK_EQUAL(d.typed({unicode(0x4e00), unicode(0x4e02)}), "一丂");
}

CAF_TEST(a run that crashed leaves spare keys that the next one takes over) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us", {spare_end::lowest, 60s}};
  auto fill = [](input& keys, char32_t from) {
    char32_t n = 0;
    for (; keys.key(unicode(from + n), true); ++n)
      static_cast<void>(keys.key(unicode(from + n), false));
    return n;
  };
  auto before = fill(*d.keys, 0x4e00);
  d.x->abort(); // no goodbye: the mappings stay on the server
  auto x = std::move(*connection::open({d.server.display(), {}}));
  auto next = std::move(*input::create(*x, {spare_end::lowest, 60s}));
  CAF_CHECK(before > 1u);
  CAF_CHECK(fill(*next, 0x6000) >= before);
}

CAF_TEST(a changed layout is noticed) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  CAF_CHECK_EQUAL(d.typed({'y', unicode(U'日')}), "y日");
  CAF_CHECK_EQUAL(test::run(d.server.display(), {"setxkbmap", "de"}), 0);
  CAF_CHECK_EQUAL(d.typed({'y', 'z', XKB_KEY_adiaeresis, unicode(U'日'), '@'}), "yzä日@");
}

CAF_TEST(a key that repeats keeps its level) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us", {}, {"-ardelay", "300"}};
  CAF_REQUIRE(d.keys->key('H', true));
  CAF_CHECK_EQUAL(d.reader->text(3), "HHH"); // the server repeats while it is held
  CAF_REQUIRE(d.keys->key('H', false));
}

CAF_TEST(release all releases keys and buttons) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  CAF_REQUIRE(d.keys->move(10, 10));
  CAF_REQUIRE(d.keys->key(shift, true));
  CAF_REQUIRE(d.keys->key('Q', true));
  CAF_REQUIRE(d.keys->key(unicode(U'日'), true));
  CAF_REQUIRE(d.keys->button(1, true));
  CAF_REQUIRE(d.keys->button(1, true));
  CAF_CHECK_EQUAL(d.keys->held_keys().size(), 3u);
  d.keys->release_all();
  CAF_CHECK(d.keys->held_keys().empty());
  CAF_CHECK(d.keys->held_buttons().empty());
  static_cast<void>(d.x->ping());
  d.reader->rest();
  CAF_CHECK_EQUAL(d.reader->pressed, 0);
  CAF_CHECK(d.reader->buttons == (std::vector<int>{1, -1}));
}

CAF_TEST(a second press changes nothing and a stray release neither) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  CAF_CHECK(d.keys->key('a', false));
  CAF_CHECK(d.keys->key('a', true));
  CAF_CHECK(d.keys->key('a', true));
  CAF_CHECK(d.keys->key('A', false)); // released with Shift, pressed without
  CAF_CHECK(d.keys->held_keys().empty());
  CAF_CHECK_EQUAL(d.reader->text(1), "a");
}

CAF_TEST(nonsense is refused) {
  NEEDS_X("setxkbmap", "xkbcomp");
  desk d{"us"};
  for (keysym bad : {0u, 0xffff'ffffu, 0x0110'0000u + 0x10000u, 0x0100'd800u, 0x00ff'ffffu}) {
    auto pressed = d.keys->key(bad, true);
    CAF_REQUIRE(!pressed);
    CAF_CHECK(pressed.error().code == errc::invalid_request);
  }
  CAF_CHECK(!d.keys->button(0, true));
  CAF_CHECK(!d.keys->button(77, true));
}
