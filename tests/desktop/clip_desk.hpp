// SPDX-License-Identifier: Apache-2.0
#pragma once

// A clipboard on a real X server, and xclip as the other program. One thread: everything that
// waits turns the clipboard meanwhile. Header only, of the clipboard's tests.

#include "desktop/clipboard.hpp"

#include "check.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <map>

namespace holt::test {

struct clip_desk {
  /// `listens`: for texts, as viewers do.
  explicit clip_desk(bool listens = false) {
    x = std::move(*desktop::connection::open({server.display(), {}}));
    desktop::clipboard::on_text text;
    if (listens)
      text = [this](const std::string& t) { heard.push_back(t); };
    board = std::move(*desktop::clipboard::create(*x, text));
    board->listen([this](const desktop::clipboard_change& what) { changes.push_back(what); });
  }
  void turn() {
    pollfd p{x->fd(), POLLIN, 0};
    ::poll(&p, 1, 1);
    pump();
    board->tick();
  }
  void pump() {
    while (auto event = x->next_event()) {
      board->on_event(*event);
      was_busy = was_busy || board->busy();
    }
  }
  bool until(const std::function<bool()>& so) {
    return eventually([&] {
      turn();
      return so();
    });
  }
  /// Reads what `fd` says to its end; false when it does not end in time.
  bool read_all(int fd, std::string& out) {
    return until([&] {
      char buffer[65536];
      ssize_t n = 0;
      while ((n = ::read(fd, buffer, sizeof buffer)) > 0)
        out.append(buffer, static_cast<std::size_t>(n));
      return n == 0;
    });
  }
  /// An xclip that reads; its output comes from the descriptor.
  struct reading {
    std::unique_ptr<child> program;
    int fd = -1;
  };
  reading start_paste(const std::string& target) {
    int ends[2];
    CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK); // this end only: xclip expects to block
    reading out{std::make_unique<child>(
                  std::vector<std::string>{"xclip", "-selection", "clipboard", "-o", "-t", target},
                  server.display(), -1, ends[1]),
                ends[0]};
    ::close(ends[1]);
    return out;
  }
  /// What xclip reads from the clipboard.
  std::string pasted(const std::string& target = "UTF8_STRING") {
    auto one = start_paste(target);
    std::string out;
    const bool ended = read_all(one.fd, out);
    ::close(one.fd);
    return ended ? out : "<timeout>";
  }
  /// Gives the clipboard to xclip.
  void copy(const std::string& bytes, const std::string& target = {}) {
    int ends[2];
    CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
    std::vector<std::string> argv{"xclip", "-quiet", "-selection", "clipboard", "-i"};
    if (!target.empty())
      argv.insert(argv.end(), {"-t", target});
    // The former one ends by itself when it loses the selection: nobody owns nothing in between.
    auto next = std::make_unique<child>(argv, server.display(), ends[0]);
    former = std::move(owner);
    owner = std::move(next);
    ::close(ends[0]);
    for (std::size_t sent = 0; sent < bytes.size();) {
      auto n = ::write(ends[1], bytes.data() + sent, bytes.size() - sent);
      CAF_REQUIRE(n > 0);
      sent += static_cast<std::size_t>(n);
    }
    ::close(ends[1]);
  }
  /// What is there in this form, or the error's word.
  std::string fetched(const std::string& type) {
    std::optional<result<desktop::clip_part>> got;
    board->fetch(type, [&](result<desktop::clip_part> part) { got = std::move(part); });
    if (!until([&] { return got.has_value(); }))
      return "<timeout>";
    return *got ? *(**got).bytes : "<" + std::string{got->error().word()} + ">";
  }
  /// Its media types, with blanks between.
  std::string listed() {
    std::optional<std::vector<std::string>> got;
    board->list([&](const result<std::vector<std::string>>& types) { got = *types; });
    if (!until([&] { return got.has_value(); }))
      return "<timeout>";
    std::string out;
    for (const auto& one : *got)
      out += (out.empty() ? "" : " ") + one;
    return out;
  }

  xvfb server{"640x480x24"};
  std::unique_ptr<desktop::connection> x;
  std::vector<std::string> heard;
  std::vector<desktop::clipboard_change> changes;
  bool was_busy = false; ///< after an event, since a test cleared it
  std::unique_ptr<desktop::clipboard> board;
  std::unique_ptr<child> owner;
  std::unique_ptr<child> former;
};

inline desktop::clip_part clip(std::string_view type, std::string bytes) {
  return {std::string{type}, std::make_shared<const std::string>(std::move(bytes))};
}

/// Text with letters of several lengths.
inline std::string large_text(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += "größer 日本 😀 " + std::to_string(text.size()) + "\n";
  return text;
}

/// Begins like a PNG.
inline std::string large_picture(std::size_t bytes) {
  std::string out{"\x89PNG\r\n\x1a\n"};
  for (std::size_t i = out.size(); i < bytes; ++i)
    out += static_cast<char>(i * 31 % 251);
  return out;
}

} // namespace holt::test
