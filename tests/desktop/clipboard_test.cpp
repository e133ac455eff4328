// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE clipboard

#include "desktop/clip_desk.hpp"

using namespace holt;
using namespace holt::desktop;
using test::clip_desk;

namespace {

std::string large() {
  return test::large_text(1'000'000);
}

} // namespace

CAF_TEST(text that was set is pasted elsewhere) {
  NEEDS_X("xclip");
  clip_desk d{true};
  CAF_REQUIRE(d.board->set("häuser 日 😀"));
  CAF_CHECK_EQUAL(d.pasted(), "häuser 日 😀");
  CAF_REQUIRE(d.board->set(""));
  CAF_CHECK_EQUAL(d.pasted(), "");
}

CAF_TEST(a megabyte leaves in pieces) {
  NEEDS_X("xclip");
  clip_desk d{true};
  CAF_REQUIRE(d.board->set(large()));
  auto got = d.pasted();
  CAF_CHECK_EQUAL(got.size(), large().size());
  CAF_CHECK(got == large());
  CAF_CHECK(d.until([&] { return !d.board->busy(); }));
}

CAF_TEST(text that is copied elsewhere is heard) {
  NEEDS_X("xclip");
  clip_desk d{true};
  CAF_REQUIRE(d.board->set("mine"));
  d.copy("theirs äöü");
  CAF_CHECK(d.until([&] { return !d.heard.empty(); }));
  CAF_CHECK_EQUAL(d.heard.back(), "theirs äöü");
  CAF_CHECK_EQUAL(d.board->text(), "theirs äöü");
  CAF_CHECK(!d.board->owned());
}

CAF_TEST(a megabyte arrives in pieces and two are not listened to) {
  NEEDS_X("xclip");
  clip_desk d{true};
  d.copy(large());
  CAF_CHECK(d.until([&] { return !d.heard.empty(); }));
  CAF_CHECK(d.heard.back() == large());
  d.was_busy = false;
  d.copy(large() + large());
  CAF_CHECK(d.until([&] { return d.was_busy; })); // it may begin and end within one turn
  CAF_CHECK(d.until([&] { return !d.board->busy(); }));
  CAF_CHECK_EQUAL(d.heard.size(), 1u);
}

CAF_TEST(what is too large or no text is refused) {
  NEEDS_X("xclip");
  clip_desk d;
  CAF_CHECK(d.board->set(std::string(max_offer_bytes, 'x')));
  auto much = d.board->set(std::string(max_offer_bytes + 1, 'x'));
  CAF_CHECK(!much && much.error().code == errc::payload_too_large);
  for (const char* bad : {"\xff", "\xc3", "a\xe2\x82", "\xc0\xaf"}) {
    auto got = d.board->set(bad);
    CAF_CHECK(!got && got.error().code == errc::invalid_request);
  }
}

CAF_TEST(several forms are offered and each is pasted as it is) {
  NEEDS_X("xclip");
  clip_desk d;
  const auto picture = test::large_picture(3'000);
  CAF_REQUIRE(
    d.board->set({test::clip(plain_text, "grün 日"), test::clip(html_text, "<b>grün</b> 日"),
                  test::clip("image/png", picture)},
                 "tester"));
  CAF_CHECK_EQUAL(d.pasted("UTF8_STRING"), "grün 日");
  CAF_CHECK_EQUAL(d.pasted("text/plain;charset=utf-8"), "grün 日");
  CAF_CHECK_EQUAL(d.pasted("STRING"), "gr\xfcn ?");
  CAF_CHECK_EQUAL(d.pasted("text/html"), "<b>grün</b> 日");
  CAF_CHECK(d.pasted("image/png") == picture);
  const auto targets = d.pasted("TARGETS");
  for (const char* one : {"TARGETS", "MULTIPLE", "TIMESTAMP", "UTF8_STRING", "STRING", "TEXT",
                          "COMPOUND_TEXT", "text/html", "image/png"})
    CAF_CHECK(targets.find(one) != std::string::npos);
  CAF_CHECK_EQUAL(d.listed(), "text/plain text/html image/png");
  CAF_CHECK_EQUAL(d.fetched("text/html"), "<b>grün</b> 日");
  CAF_CHECK(d.fetched("image") == picture);
  CAF_CHECK_EQUAL(d.fetched("text/uri-list"), "<not_found>");
}

CAF_TEST(forms that others copy are listed and read) {
  NEEDS_X("xclip");
  clip_desk d;
  d.copy("<i>häuser</i>", "text/html");
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  CAF_CHECK_EQUAL(d.fetched("text/html"), "<i>häuser</i>");
  CAF_CHECK_EQUAL(d.listed(), "text/html");
  CAF_CHECK_EQUAL(d.fetched("text/plain"), "<not_found>");
  const auto picture = test::large_picture(700'000);
  const auto before = d.changes.size();
  d.copy(picture, "image/png");
  CAF_REQUIRE(d.until([&] { return d.changes.size() > before; }));
  CAF_CHECK(d.fetched("image") == picture);
  CAF_CHECK_EQUAL(d.listed(), "image/png");
}

CAF_TEST(html in the older form of a browser becomes utf8) {
  NEEDS_X("xclip");
  clip_desk d;
  std::string wide{"\xff\xfe"};
  for (char c : std::string{"<p>ok</p>"}) {
    wide += c;
    wide += '\0';
  }
  d.copy(wide, "text/html");
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  CAF_CHECK_EQUAL(d.fetched("text/html"), "<p>ok</p>");
}

CAF_TEST(changes tell who owns it and what there is) {
  NEEDS_X("xclip");
  clip_desk d;
  CAF_REQUIRE(d.board->set({test::clip(html_text, "<b>x</b>")}, "agent 7"));
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  auto last = d.changes.back();
  CAF_CHECK(last.owned);
  CAF_CHECK_EQUAL(last.by, "agent 7");
  CAF_CHECK_EQUAL(last.bytes, 8u);
  d.copy("elsewhere");
  CAF_REQUIRE(d.until([&] { return !d.changes.back().owned; }));
  last = d.changes.back();
  CAF_CHECK(last.by.empty());
  CAF_REQUIRE_EQUAL(last.types.size(), 1u);
  CAF_CHECK_EQUAL(last.types.front(), "text/plain");
  d.owner.reset();
  CAF_REQUIRE(d.until([&] { return d.changes.back().empty; }));
  CAF_CHECK_EQUAL(d.fetched("text/plain"), "<not_found>");
  CAF_CHECK_EQUAL(d.listed(), "");
}

CAF_TEST(a write is not undone by a change from before it) {
  NEEDS_X("xclip");
  clip_desk d;
  d.copy("theirs");
  CAF_REQUIRE(d.until([&] { return !d.changes.empty(); }));
  auto second = connection::open({d.server.display(), {}});
  CAF_REQUIRE(second);
  auto theirs = clipboard::create(**second, nullptr);
  CAF_REQUIRE(theirs);
  CAF_REQUIRE((*theirs)->set("in between"));
  CAF_REQUIRE((*second)->ping()); // its event waits for us
  CAF_REQUIRE(d.board->set("ours"));
  CAF_REQUIRE(d.x->ping());
  d.pump();
  CAF_CHECK(d.board->owned());
  CAF_CHECK_EQUAL(d.fetched("text/plain"), "ours");
  CAF_CHECK_EQUAL(d.pasted(), "ours");
}
