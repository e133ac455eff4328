// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE clipboard

#include "desktop/clipboard.hpp"

#include "desktop/xvfb.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

using namespace holt;
using namespace holt::desktop;

namespace {

struct desk {
  desk() {
    x = std::move(*connection::open({server.display(), {}}));
    board = std::move(*clipboard::create(*x, [this](const std::string& t) { heard.push_back(t); }));
  }
  void turn() {
    pollfd p{x->fd(), POLLIN, 0};
    ::poll(&p, 1, 1);
    while (auto event = x->next_event()) {
      board->on_event(*event);
      was_busy = was_busy || board->busy();
    }
    board->tick();
  }
  bool until(const std::function<bool()>& so) {
    return test::eventually([&] {
      turn();
      return so();
    });
  }
  /// What xclip reads from the clipboard.
  std::string pasted() {
    int ends[2];
    CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK); // this end only: xclip expects to block
    test::child xclip{{"xclip", "-selection", "clipboard", "-o", "-t", "UTF8_STRING"},
                      server.display(),
                      -1,
                      ends[1]};
    ::close(ends[1]);
    std::string out;
    bool ended = until([&] {
      char buffer[65536];
      ssize_t n = 0;
      while ((n = ::read(ends[0], buffer, sizeof buffer)) > 0)
        out.append(buffer, static_cast<std::size_t>(n));
      return n == 0;
    });
    ::close(ends[0]);
    return ended ? out : "<timeout>";
  }
  /// Gives the clipboard to xclip.
  void copy(const std::string& text) {
    int ends[2];
    CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
    owner = std::make_unique<test::child>(
      std::vector<std::string>{"xclip", "-quiet", "-selection", "clipboard", "-i"},
      server.display(), ends[0]);
    ::close(ends[0]);
    for (std::size_t sent = 0; sent < text.size();) {
      auto n = ::write(ends[1], text.data() + sent, text.size() - sent);
      CAF_REQUIRE(n > 0);
      sent += static_cast<std::size_t>(n);
    }
    ::close(ends[1]);
  }

  test::xvfb server{"640x480x24"};
  std::unique_ptr<connection> x;
  std::vector<std::string> heard;
  bool was_busy = false; ///< after an event, since a test cleared it
  std::unique_ptr<clipboard> board;
  std::unique_ptr<test::child> owner;
};

std::string large() {
  std::string text;
  while (text.size() < 1'000'000)
    text += "größer 日本 😀 " + std::to_string(text.size()) + "\n";
  return text;
}

#define NEEDS_X                                                                                    \
  if (test::skipped(__func__, {"Xvfb", "xclip"}))                                                  \
  return

} // namespace

CAF_TEST(text that was set is pasted elsewhere) {
  NEEDS_X;
  desk d;
  CAF_REQUIRE(d.board->set("häuser 日 😀"));
  CAF_CHECK_EQUAL(d.pasted(), "häuser 日 😀");
  CAF_REQUIRE(d.board->set(""));
  CAF_CHECK_EQUAL(d.pasted(), "");
}

CAF_TEST(a megabyte leaves in pieces) {
  NEEDS_X;
  desk d;
  CAF_REQUIRE(d.board->set(large()));
  auto got = d.pasted();
  CAF_CHECK_EQUAL(got.size(), large().size());
  CAF_CHECK(got == large());
  CAF_CHECK(d.until([&] { return !d.board->busy(); }));
}

CAF_TEST(text that is copied elsewhere is heard) {
  NEEDS_X;
  desk d;
  CAF_REQUIRE(d.board->set("mine"));
  d.copy("theirs äöü");
  CAF_CHECK(d.until([&] { return !d.heard.empty(); }));
  CAF_CHECK_EQUAL(d.heard.back(), "theirs äöü");
  CAF_CHECK_EQUAL(d.board->text(), "theirs äöü");
  CAF_CHECK(!d.board->owned());
}

CAF_TEST(a megabyte arrives in pieces and two are refused) {
  NEEDS_X;
  desk d;
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
  NEEDS_X;
  desk d;
  CAF_CHECK(d.board->set(std::string(max_clipboard_bytes, 'x')));
  CAF_CHECK(d.board->set(std::string(max_clipboard_bytes + 1, 'x')).error().code
            == errc::payload_too_large);
  for (const char* bad : {"\xff", "\xc3", "a\xe2\x82", "\xc0\xaf"})
    CAF_CHECK(d.board->set(bad).error().code == errc::invalid_request);
}
