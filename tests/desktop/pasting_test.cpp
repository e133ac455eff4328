// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE pasting

#include "desktop/key_names.hpp"
#include "desktop/workbench.hpp"

#include "check.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::desktop;
using namespace std::chrono_literals;

namespace {

/// A program with the keyboard: pastes when it gets any key, if it pastes at all.
struct front {
  explicit front(const std::string& display) {
    x = std::move(*connection::open({display, {}}));
    window = xcb_generate_id(x->raw());
    const std::uint32_t events = XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_PROPERTY_CHANGE;
    const std::uint32_t values[] = {1, events};
    xcb_create_window(x->raw(), XCB_COPY_FROM_PARENT, window, x->root(), 0, 0, 50, 50, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
                      XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
    xcb_map_window(x->raw(), window);
    xcb_set_input_focus(x->raw(), XCB_INPUT_FOCUS_PARENT, window, XCB_CURRENT_TIME);
    selection = *x->atom("CLIPBOARD");
    utf8 = *x->atom("UTF8_STRING");
    property = *x->atom("PASTED");
    static_cast<void>(x->ping());
  }
  void turn() {
    while (auto event = x->next_event()) {
      const auto type = event->response_type & 0x7f;
      if (type == XCB_KEY_PRESS) {
        ++keys;
        if (pastes && !asked) {
          asked = true;
          xcb_convert_selection(x->raw(), window, selection, utf8, property, XCB_CURRENT_TIME);
        }
      } else if (type == XCB_SELECTION_NOTIFY) {
        xcb_ptr<xcb_get_property_reply_t> reply{xcb_get_property_reply(
          x->raw(), xcb_get_property(x->raw(), 1, window, property, utf8, 0, 100'000), nullptr)};
        if (reply)
          pasted.assign(static_cast<const char*>(xcb_get_property_value(reply.get())),
                        static_cast<std::size_t>(xcb_get_property_value_length(reply.get())));
      }
    }
    x->flush();
  }
  std::unique_ptr<connection> x;
  xcb_window_t window = 0;
  xcb_atom_t selection = 0, utf8 = 0, property = 0;
  bool pastes = true;
  bool asked = false;
  int keys = 0;
  std::string pasted;
};

struct fixture {
  fixture() {
    if (test::skipped("pasting", {"Xvfb"}))
      return;
    server = std::make_unique<test::xvfb>("640x480x24");
    std::shared_ptr<connection> x{std::move(*connection::open({server->display(), {}}))};
    bench = std::move(*workbench::create(x));
    bench->board(false).listen([this](const clipboard_change&) { ++changes; });
    program = std::make_unique<front>(server->display());
  }
  bool until(const std::function<bool()>& so, std::chrono::seconds ahead = 0s) {
    return test::eventually([&] {
      bench->turn(act_queue::clock::now() + ahead);
      program->turn();
      return so();
    });
  }
  /// Types by way of the clipboard, to the end; what went wrong.
  std::optional<errc> paste(std::string text, std::function<result<void>()> allowed = nullptr,
                            std::chrono::seconds ahead = 0s) {
    auto chord = *read_chord("ctrl+v");
    std::optional<std::vector<act_outcome>> got;
    bench->acts().add({{paste_act{std::move(text), chord.modifiers, chord.sym}},
                       0ms,
                       std::move(allowed),
                       [&](std::vector<act_outcome> outcomes) { got = std::move(outcomes); }});
    if (ahead > 0s)
      CAF_REQUIRE(until([&] { return program->keys >= 2 || got; }));
    CAF_REQUIRE(until([&] { return got.has_value(); }, ahead));
    const auto& one = got->front();
    return one.where ? std::optional<errc>{} : one.where.error().code;
  }
  std::string now_there(const std::string& type) {
    std::optional<std::string> got;
    bench->board(false).fetch(type, [&](const result<clip_part>& part) {
      got = part ? *part->bytes : "<" + std::string{part.error().word()} + ">";
    });
    return until([&] { return got.has_value(); }) ? *got : "<timeout>";
  }

  std::unique_ptr<test::xvfb> server;
  std::unique_ptr<workbench> bench;
  std::unique_ptr<front> program;
  int changes = 0;
};

clip_part clip(std::string_view type, std::string bytes) {
  return {std::string{type}, std::make_shared<const std::string>(std::move(bytes))};
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(by_the_clipboard, fixture)

CAF_TEST(a text is pasted and what was copied before is there again) {
  NEEDS_X();
  CAF_REQUIRE(
    bench->board(false).set({clip(plain_text, "mine"), clip(html_text, "<b>mine</b>")}, "me"));
  CAF_REQUIRE(until([&] { return changes == 1; }));
  CAF_CHECK(!paste("typed 日 😀"));
  CAF_CHECK_EQUAL(program->pasted, "typed 日 😀");
  CAF_CHECK_EQUAL(now_there("text/plain"), "mine");
  CAF_CHECK_EQUAL(now_there("text/html"), "<b>mine</b>");
  CAF_CHECK_EQUAL(changes, 1); // nobody is told of what was lent
  CAF_CHECK(bench->hands().held_keys().empty());
}

CAF_TEST(what another program copied is there again in every form) {
  NEEDS_X();
  auto other = std::shared_ptr<connection>{std::move(*connection::open({server->display(), {}}))};
  auto theirs = std::move(*clipboard::create(*other, nullptr));
  const std::string picture = "\x89PNG\r\n\x1a\n" + std::string(400'000, 'p');
  CAF_REQUIRE(theirs->set(
    {clip(plain_text, "grün"), clip(html_text, "<i>grün</i>"), clip("image/png", picture)}, {}));
  auto both = [&](const std::function<bool()>& so) {
    return until([&] {
      while (auto event = other->next_event())
        theirs->on_event(*event);
      return so();
    });
  };
  CAF_REQUIRE(both([&] { return changes >= 1; }));
  auto chord = *read_chord("ctrl+v");
  std::optional<bool> good;
  bench->acts().add(
    {{paste_act{"typed", chord.modifiers, chord.sym}},
     0ms,
     nullptr,
     [&](const std::vector<act_outcome>& got) { good = got.front().where.has_value(); }});
  CAF_REQUIRE(both([&] { return good.has_value(); }));
  CAF_CHECK(*good);
  CAF_CHECK_EQUAL(program->pasted, "typed");
  CAF_CHECK(bench->board(false).owned());
  CAF_CHECK_EQUAL(now_there("text/plain"), "grün");
  CAF_CHECK_EQUAL(now_there("text/html"), "<i>grün</i>");
  CAF_CHECK(now_there("image") == picture);
}

CAF_TEST(an empty clipboard is empty again) {
  NEEDS_X();
  CAF_CHECK(!paste("typed"));
  CAF_CHECK_EQUAL(program->pasted, "typed");
  CAF_CHECK(until([&] { return !bench->board(false).owned(); }));
  CAF_CHECK_EQUAL(now_there("text/plain"), "<not_found>");
}

CAF_TEST(a program that does not paste is told of and the clipboard is as before) {
  NEEDS_X();
  program->pastes = false;
  CAF_REQUIRE(bench->board(false).set("mine"));
  const auto failed = paste("typed", nullptr, 30s);
  CAF_REQUIRE(failed);
  CAF_CHECK(*failed == errc::conflict);
  CAF_CHECK_EQUAL(now_there("text/plain"), "mine");
}

CAF_TEST(a take midway puts the clipboard back) {
  NEEDS_X();
  program->pastes = false;
  CAF_REQUIRE(bench->board(false).set("mine"));
  const auto failed = paste("typed", [this]() -> result<void> {
    if (program->keys == 0)
      return {};
    return error{errc::control_held, "somebody"};
  });
  CAF_REQUIRE(failed);
  CAF_CHECK(*failed == errc::control_held);
  CAF_CHECK_EQUAL(now_there("text/plain"), "mine");
}

CAF_TEST(what a program copied outlives it when it asks for that) {
  NEEDS_X();
  bool answered = false;
  {
    auto other = std::shared_ptr<connection>{std::move(*connection::open({server->display(), {}}))};
    auto theirs = std::move(*clipboard::create(*other, nullptr));
    CAF_REQUIRE(theirs->set({clip(plain_text, "grün"), clip(html_text, "<i>grün</i>")}, {}));
    CAF_REQUIRE(until([&] {
      while (auto event = other->next_event())
        theirs->on_event(*event);
      return changes == 1;
    }));
    auto window = xcb_generate_id(other->raw());
    xcb_create_window(other->raw(), 0, window, other->root(), 0, 0, 1, 1, 0,
                      XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, 0, nullptr);
    xcb_convert_selection(other->raw(), window, *other->atom("CLIPBOARD_MANAGER"),
                          *other->atom("SAVE_TARGETS"), *other->atom("SAVED"), XCB_CURRENT_TIME);
    other->flush();
    CAF_REQUIRE(until([&] {
      while (auto event = other->next_event()) {
        theirs->on_event(*event);
        if ((event->response_type & 0x7f) == XCB_SELECTION_NOTIFY) {
          const auto& e = reinterpret_cast<const xcb_selection_notify_event_t&>(*event);
          answered = answered || (e.requestor == window && e.property != XCB_NONE);
        }
      }
      return answered;
    }));
  }
  CAF_CHECK(bench->board(false).owned());
  CAF_CHECK_EQUAL(now_there("text/plain"), "grün");
  CAF_CHECK_EQUAL(now_there("text/html"), "<i>grün</i>");
}

CAF_TEST_FIXTURE_SCOPE_END()
