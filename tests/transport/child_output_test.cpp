// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE child_output

#include "transport/child_output.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <termios.h>
#include <unistd.h>

using namespace holt;

namespace {

constexpr std::chrono::seconds limit{20};

/// An output and what was heard of it; the test holds its other end.
struct heard {
  boost::asio::io_context io;
  std::string got;
  int pieces = 0;
  int ends = 0;
  std::function<void()> on_piece;
  std::shared_ptr<int> owner = std::make_shared<int>();
  child_output output;
  int far = -1;

  explicit heard(int reads_in_a_row = 1)
    : output(
      io.get_executor(),
      [this](std::string_view bytes) {
        got += bytes;
        ++pieces;
        if (on_piece)
          on_piece();
      },
      [this] { ++ends; }, reads_in_a_row) {
    ::signal(SIGPIPE, SIG_IGN); // as the daemon does
  }
  ~heard() { hang_up(); }

  void on_pipe() {
    std::array<int, 2> pipe{-1, -1};
    CAF_REQUIRE_EQUAL(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
    far = pipe[1];
    CAF_REQUIRE(output.open(pipe[0]).has_value());
  }
  void on_terminal() {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    CAF_REQUIRE(master >= 0 && ::grantpt(master) == 0 && ::unlockpt(master) == 0);
    far = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    CAF_REQUIRE(far >= 0);
    termios raw{};
    ::cfmakeraw(&raw);
    CAF_REQUIRE_EQUAL(::tcsetattr(far, TCSANOW, &raw), 0);
    CAF_REQUIRE(output.open(master).has_value());
  }
  void hang_up() {
    if (far >= 0)
      ::close(far);
    far = -1;
  }
  /// How many bytes there was room for.
  std::size_t print(std::size_t bytes) {
    const std::string text(bytes, 'x');
    const auto n = ::write(far, text.data(), text.size());
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  /// One turn of the event loop, as long as it takes.
  bool turn() {
    io.restart();
    return io.run_one_for(limit) == 1;
  }
  /// What is due now; waits for nothing.
  void settle() {
    io.restart();
    io.poll();
  }
};

} // namespace

CAF_TEST(bytes come in order and the end comes once after them) {
  heard h;
  h.on_pipe();
  h.output.read(h.owner);
  CAF_REQUIRE_EQUAL(::write(h.far, "one", 3), 3);
  CAF_REQUIRE(h.turn());
  CAF_CHECK_EQUAL(h.got, "one");
  CAF_CHECK_EQUAL(h.owner.use_count(), 2);
  CAF_REQUIRE_EQUAL(::write(h.far, "two", 3), 3);
  h.hang_up();
  while (h.ends == 0)
    CAF_REQUIRE(h.turn());
  CAF_CHECK_EQUAL(h.got, "onetwo");
  CAF_CHECK(!h.output.is_open());
  h.output.read_rest();
  h.output.read(h.owner);
  h.settle();
  CAF_CHECK_EQUAL(h.ends, 1);
  CAF_CHECK_EQUAL(h.owner.use_count(), 1); // nothing holds it any more
}

CAF_TEST(a flood leaves others their turn) {
  for (const int in_a_row : {1, 3}) {
    heard h{in_a_row};
    h.on_pipe();
    h.on_piece = [&] { h.print(1'000'000); }; // full again at once
    h.print(1'000'000);
    h.output.read(h.owner);
    CAF_REQUIRE(h.turn());
    CAF_CHECK_EQUAL(h.pieces, in_a_row);
    CAF_REQUIRE(h.turn());
    CAF_CHECK_EQUAL(h.pieces, 2 * in_a_row);
  }
}

CAF_TEST(the last reading takes all that a pipe holds and does not follow who prints on) {
  heard h;
  h.on_pipe();
  const auto held = h.print(1'000'000);
  h.on_piece = [&] { h.print(1'000); };
  h.output.read_rest();
  CAF_CHECK(held > 0);
  CAF_CHECK(h.got.size() >= held);
  CAF_CHECK(h.got.size() < held + 64 * 1024);
  CAF_CHECK_EQUAL(h.ends, 0);
}

CAF_TEST(the last reading of a silent pipe waits for nothing) {
  heard h;
  h.on_pipe();
  h.output.read_rest();
  CAF_CHECK_EQUAL(h.pieces, 0);
  CAF_CHECK_EQUAL(h.ends, 0);
  CAF_CHECK(h.output.is_open());
}

CAF_TEST(the last reading hears the end too) {
  heard h;
  h.on_pipe();
  h.output.read(h.owner);
  h.print(10);
  h.hang_up();
  h.output.read_rest();
  CAF_CHECK_EQUAL(h.got.size(), 10u);
  CAF_CHECK_EQUAL(h.ends, 1);
  h.settle();
  CAF_CHECK_EQUAL(h.ends, 1);
}

CAF_TEST(the last reading takes all that a terminal holds though it hands out little at once) {
  heard h;
  h.on_terminal();
  std::size_t held = 0;
  while (held < 32'000) {
    const auto n = h.print(1'000);
    if (n == 0)
      break;
    held += n;
  }
  CAF_REQUIRE(held > 0);
  h.hang_up();
  h.output.read_rest();
  CAF_CHECK_EQUAL(h.got.size(), held);
  CAF_CHECK_EQUAL(h.ends, 1); // EIO is its end
}

CAF_TEST(what is held stays in the pipe until it is let go) {
  heard h;
  h.on_pipe();
  h.output.read(h.owner);
  h.output.hold();
  h.print(10);
  CAF_REQUIRE(h.turn());
  h.output.read_rest();
  CAF_CHECK_EQUAL(h.pieces, 0);
  CAF_CHECK_EQUAL(h.owner.use_count(), 1); // an owner that is dropped meanwhile goes
  h.output.let_go(h.owner);
  CAF_REQUIRE(h.turn());
  CAF_CHECK_EQUAL(h.got.size(), 10u);
  // Held and let go before anything came: read on once, not twice.
  h.output.hold();
  h.output.let_go(h.owner);
  CAF_CHECK_EQUAL(h.owner.use_count(), 2);
}

CAF_TEST(who takes the bytes may hold them in the middle of a reading) {
  heard h{8};
  h.on_pipe();
  h.on_piece = [&] {
    h.print(10);
    h.output.hold();
  };
  h.print(10);
  h.output.read(h.owner);
  CAF_REQUIRE(h.turn());
  CAF_CHECK_EQUAL(h.pieces, 1);
  h.output.let_go(h.owner);
  h.output.read_rest();
  CAF_CHECK_EQUAL(h.pieces, 2);
}

CAF_TEST(a writer to a closed output fails) {
  heard h;
  h.on_pipe();
  h.output.read(h.owner);
  h.output.close();
  CAF_CHECK_EQUAL(h.print(1), 0u);
  h.settle();
  CAF_CHECK_EQUAL(h.ends, 0);
  CAF_CHECK_EQUAL(h.owner.use_count(), 1);
}

CAF_TEST(an output that a child does not have is never open and a bad one is told) {
  heard h;
  CAF_CHECK(h.output.open(-1).has_value());
  CAF_CHECK(!h.output.is_open());
  h.output.read(h.owner);
  h.output.read_rest();
  const auto bad = h.output.open(1 << 20);
  CAF_REQUIRE(bad.has_error());
  CAF_CHECK(bad.error().code == errc::spawn_failed);
  CAF_CHECK(!h.output.is_open());
}
