// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE clipboard_large

#include "desktop/clip_desk.hpp"

#include <signal.h>

using namespace holt;
using namespace holt::desktop;
using namespace std::chrono_literals;
using test::clip_desk;

namespace {

/// A program that asks for the clipboard and does with the answer what a test says.
struct asker {
  explicit asker(const std::string& display) {
    x = std::move(*connection::open({display, {}}));
    window = xcb_generate_id(x->raw());
    const std::uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
    xcb_create_window(x->raw(), 0, window, x->root(), 0, 0, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                      XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &events);
    property = *x->atom("ANSWER");
  }
  void ask(const char* target, xcb_timestamp_t time = XCB_CURRENT_TIME) {
    xcb_convert_selection(x->raw(), window, *x->atom("CLIPBOARD"), *x->atom(target), property,
                          time);
    x->flush();
  }
  /// The owner answered; its property.
  std::optional<xcb_atom_t> answered() {
    while (auto event = x->next_event())
      if ((event->response_type & 0x7f) == XCB_SELECTION_NOTIFY)
        answer = reinterpret_cast<const xcb_selection_notify_event_t&>(*event).property;
    return answer;
  }
  xcb_ptr<xcb_get_property_reply_t> value(xcb_atom_t of, bool and_delete = false) {
    return xcb_ptr<xcb_get_property_reply_t>{
      xcb_get_property_reply(x->raw(),
                             xcb_get_property(x->raw(), and_delete ? 1 : 0, window, of,
                                              XCB_GET_PROPERTY_TYPE_ANY, 0, 1'000'000),
                             nullptr)};
  }
  std::unique_ptr<connection> x;
  xcb_window_t window = 0;
  xcb_atom_t property = 0;
  std::optional<xcb_atom_t> answer;
};

} // namespace

CAF_TEST(five megabytes of another program are read whole) {
  NEEDS_X("xclip");
  clip_desk d;
  const auto text = test::large_text(5'000'000);
  d.copy(text);
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  const auto got = d.fetched("text/plain");
  CAF_CHECK_EQUAL(got.size(), text.size());
  CAF_CHECK(got == text);
  CAF_CHECK(!d.board->busy());
}

CAF_TEST(what is larger than the limit is refused and its owner goes on) {
  NEEDS_X("xclip");
  clip_desk d;
  d.copy(std::string(max_offer_bytes + 1'000'000, 'x'));
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  CAF_CHECK_EQUAL(d.fetched("text/plain"), "<payload_too_large>");
  CAF_CHECK_EQUAL(d.listed(), "text/plain"); // it is asked again, and answers
  CAF_REQUIRE(d.board->set("after that"));
  CAF_CHECK_EQUAL(d.pasted(), "after that");
}

CAF_TEST(several programs get large data at once and a copy meanwhile changes none of it) {
  NEEDS_X("xclip");
  clip_desk d;
  const auto picture = test::large_picture(6'000'000);
  CAF_REQUIRE(d.board->set({test::clip("image/png", picture)}, {}));
  std::vector<clip_desk::reading> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(d.start_paste("image/png"));
  std::vector<std::string> got(all.size());
  std::vector<bool> ended(all.size(), false);
  bool changed = false;
  CAF_CHECK(d.until([&] {
    std::size_t begun = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      char buffer[65536];
      ssize_t n = 0;
      while ((n = ::read(all[i].fd, buffer, sizeof buffer)) > 0)
        got[i].append(buffer, static_cast<std::size_t>(n));
      ended[i] = ended[i] || n == 0;
      begun += got[i].empty() ? 0 : 1;
    }
    if (begun == all.size() && !changed) {
      changed = true;
      CAF_CHECK(d.board->set("something else"));
    }
    return std::find(ended.begin(), ended.end(), false) == ended.end();
  }));
  for (std::size_t i = 0; i < all.size(); ++i) {
    ::close(all[i].fd);
    CAF_CHECK_EQUAL(got[i].size(), picture.size());
    CAF_CHECK(got[i] == picture);
  }
  CAF_CHECK(d.until([&] { return !d.board->busy(); }));
}

CAF_TEST(a program that dies midway is forgotten) {
  NEEDS_X("xclip");
  clip_desk d;
  CAF_REQUIRE(d.board->set(test::large_text(4'000'000)));
  {
    asker dies{d.server.display()};
    dies.ask("UTF8_STRING");
    CAF_REQUIRE(d.until([&] { return dies.answered().has_value(); }));
    CAF_CHECK(d.board->busy());
  }
  CAF_CHECK(d.until([&] { return !d.board->busy(); }));
  CAF_CHECK(!d.x->lost());
}

CAF_TEST(a program that stalls is given up and holds up nobody) {
  NEEDS_X("xclip");
  clip_desk d;
  const auto text = test::large_text(2'000'000);
  CAF_REQUIRE(d.board->set(text));
  asker stalls{d.server.display()};
  stalls.ask("UTF8_STRING");
  CAF_REQUIRE(d.until([&] { return stalls.answered().has_value(); }));
  CAF_CHECK(d.pasted() == text);
  CAF_CHECK(d.board->busy());
  d.board->tick(clipboard::clock::now() + 10s);
  CAF_CHECK(!d.board->busy());
}

CAF_TEST(an owner that stalls is given up and the next one is read) {
  NEEDS_X("xclip");
  clip_desk d;
  d.copy(test::large_text(3'000'000));
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  ::kill(d.owner->pid(), SIGSTOP);
  std::optional<errc> refused;
  d.board->fetch("text/plain", [&](const result<clip_part>& got) {
    refused = got ? errc::internal : got.error().code;
  });
  d.turn();
  CAF_CHECK(!refused);
  d.board->tick(clipboard::clock::now() + 10s);
  CAF_REQUIRE(refused);
  CAF_CHECK(*refused == errc::timeout);
  ::kill(d.owner->pid(), SIGCONT); // what it says now is too late, and is not taken for an answer
  const auto before = d.changes.size();
  d.copy("fresh");
  CAF_REQUIRE(d.until([&] { return d.changes.size() > before; }));
  CAF_CHECK_EQUAL(d.fetched("text/plain"), "fresh");
}

CAF_TEST(what waits is answered when the clipboard goes) {
  NEEDS_X("xclip");
  clip_desk d;
  d.copy("unread");
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  ::kill(d.owner->pid(), SIGSTOP);
  std::optional<errc> refused;
  d.board->fetch("text/plain", [&](const result<clip_part>& got) {
    refused = got ? errc::internal : got.error().code;
  });
  d.board.reset();
  CAF_REQUIRE(refused);
  CAF_CHECK(*refused == errc::desktop_runtime_inactive);
  ::kill(d.owner->pid(), SIGCONT);
}

CAF_TEST(several targets are had with one request) {
  NEEDS_X("xclip");
  clip_desk d;
  CAF_REQUIRE(
    d.board->set({test::clip(plain_text, "both"), test::clip(html_text, "<b>both</b>")}, {}));
  asker one{d.server.display()};
  const auto first = *one.x->atom("FIRST");
  const auto second = *one.x->atom("SECOND");
  const auto third = *one.x->atom("THIRD");
  const std::vector<xcb_atom_t> pairs{*one.x->atom("UTF8_STRING"), first,
                                      *one.x->atom("image/png"),   second,
                                      *one.x->atom("text/html"),   third};
  xcb_change_property(one.x->raw(), XCB_PROP_MODE_REPLACE, one.window, one.property,
                      *one.x->atom("ATOM_PAIR"), 32, static_cast<std::uint32_t>(pairs.size()),
                      pairs.data());
  one.ask("MULTIPLE");
  CAF_REQUIRE(d.until([&] { return one.answered().has_value(); }));
  CAF_CHECK_EQUAL(*one.answer, one.property);
  auto after = one.value(one.property);
  CAF_REQUIRE(after && after->value_len == pairs.size());
  const auto* left = static_cast<const xcb_atom_t*>(xcb_get_property_value(after.get()));
  CAF_CHECK_EQUAL(left[1], first);
  CAF_CHECK_EQUAL(left[3], xcb_atom_t{XCB_NONE});
  CAF_CHECK_EQUAL(left[5], third);
  auto html = one.value(third);
  CAF_REQUIRE(html);
  const std::string text(static_cast<const char*>(xcb_get_property_value(html.get())),
                         static_cast<std::size_t>(xcb_get_property_value_length(html.get())));
  CAF_CHECK_EQUAL(text, "<b>both</b>");
}

CAF_TEST(since when it is owned is told) {
  NEEDS_X("xclip");
  clip_desk d;
  CAF_REQUIRE(d.board->set("x"));
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  asker one{d.server.display()};
  one.ask("TIMESTAMP");
  CAF_REQUIRE(d.until([&] { return one.answered().has_value(); }));
  auto got = one.value(one.property);
  CAF_REQUIRE(got && got->format == 32 && got->value_len == 1);
  CAF_CHECK(*static_cast<const std::uint32_t*>(xcb_get_property_value(got.get())) != 0);
}
