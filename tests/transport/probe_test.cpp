// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE probe

#include "transport/probe.hpp"
#include "transport/state_dir.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>

using namespace holt;
using namespace holt::test;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Runs one probe to its answer.
template <class Start>
result<void> answer(asio::io_context& io, Start start) {
  std::optional<result<void>> out;
  unsigned calls = 0;
  start([&](result<void> r) {
    out = r;
    ++calls;
  });
  CAF_REQUIRE(run_until(io, [&] { return out.has_value(); }));
  run_until(
    io, [] { return false; }, milliseconds{5});
  CAF_CHECK_EQUAL(calls, 1u);
  return *out;
}

tcp::acceptor listen(asio::io_context& io) {
  return {io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
}

/// Answers the first connection with these bytes, and closes it or keeps it open.
struct server {
  server(asio::io_context& io, std::string say, bool stay)
    : acceptor(listen(io)), socket(io), text(std::move(say)) {
    acceptor.async_accept(socket, [this, stay](boost::system::error_code) {
      asio::async_read_until(
        socket, heard, "\r\n\r\n", [this, stay](boost::system::error_code, std::size_t) {
          asio::async_write(socket, asio::buffer(text),
                            [this, stay](boost::system::error_code, std::size_t) {
                              if (!stay)
                                socket.close();
                            });
        });
    });
  }
  tcp::acceptor acceptor;
  tcp::socket socket;
  asio::streambuf heard;
  std::string text;
};

result<void> get(const std::string& say, bool stay = false,
                 milliseconds limit = milliseconds{15'000}) {
  asio::io_context io;
  server s{io, say, stay};
  return answer(io, [&](probe::done d) {
    probe::http_get(io.get_executor(), s.acceptor.local_endpoint(), "/health", limit, d);
  });
}

} // namespace

CAF_TEST(a listening port answers and a closed one does not ) {
  asio::io_context io;
  auto open = listen(io);
  const auto at = open.local_endpoint();
  CAF_CHECK(
    answer(io, [&](probe::done d) { probe::tcp(io.get_executor(), at, milliseconds{5000}, d); }));
  open.close();
  const auto closed
    = answer(io, [&](probe::done d) { probe::tcp(io.get_executor(), at, milliseconds{5000}, d); });
  CAF_REQUIRE(!closed);
  CAF_CHECK(closed.error().detail.find(std::to_string(at.port())) != std::string::npos);
}

CAF_TEST(a unix socket answers by path and by abstract name) {
  asio::io_context io;
  temp_dir dir;
  using local = asio::local::stream_protocol;
  const auto path = (dir.path / "s").string();
  const auto name = "holt-probe-" + std::to_string(::getpid());
  local::acceptor by_path{io, local::endpoint{path}};
  local::acceptor by_name{io, local::endpoint{std::string(1, '\0') + name}};
  for (const auto& at : {path, "@" + name})
    CAF_CHECK(answer(io, [&](probe::done d) {
      probe::unix_socket(io.get_executor(), at, milliseconds{5000}, d);
    }));
  for (const auto& at : {path + "x", std::string{}, std::string(300, '/')})
    CAF_CHECK(!answer(io, [&](probe::done d) {
      probe::unix_socket(io.get_executor(), at, milliseconds{5000}, d);
    }));
}

CAF_TEST(only 200 is health) {
  CAF_CHECK(get("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  CAF_CHECK(get("HTTP/1.0 200\r\n\r\n", true));
  CAF_CHECK(!get("HTTP/1.1 503 Service Unavailable\r\n\r\n"));
  CAF_CHECK(!get("HTTP/1.1 2000 OK\r\n\r\n"));
  CAF_CHECK(!get("SSH-2.0-OpenSSH\r\n\r\n"));
  CAF_CHECK(!get(""));
  CAF_CHECK(!get(std::string(1 << 20, 'x'), true));
}

CAF_TEST(silence is a timeout) {
  const auto begin = steady_clock::now();
  const auto silent = get("", true, milliseconds{50});
  CAF_REQUIRE(!silent);
  CAF_CHECK(silent.error().code == errc::timeout);
  CAF_CHECK(steady_clock::now() - begin < milliseconds{30'000});
}

CAF_TEST(a number is read from a readiness descriptor) {
  asio::io_context io;
  const auto read = [&](const std::string& text, bool end,
                        milliseconds limit = milliseconds{20'000}) {
    std::array<int, 2> pipe{};
    CAF_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    CAF_REQUIRE(::write(pipe[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    std::optional<result<int>> out;
    probe::read_number(io.get_executor(), pipe[0], limit, [&](result<int> r) { out = r; });
    if (end)
      ::close(pipe[1]);
    CAF_REQUIRE(run_until(io, [&] { return out.has_value(); }));
    if (!end)
      ::close(pipe[1]);
    return *out;
  };
  CAF_CHECK_EQUAL(*read("42\n", false), 42);
  CAF_CHECK_EQUAL(*read("\n", true), 0);
  CAF_CHECK(read("42", true).error().code == errc::io);
  CAF_CHECK(read("42", false, milliseconds{50}).error().code == errc::timeout);
  CAF_CHECK(read("x\n", true).error().code == errc::io);
  CAF_CHECK(read("-1\n", true).error().code == errc::io);
  CAF_CHECK(read(std::string(100, '1'), false).error().code == errc::io);
}

CAF_TEST(the cookie is found in an Xauthority file) {
  const std::string cookie = "0123456789abcdef";
  const auto any = probe::xauthority_entry(cookie);
  CAF_CHECK_EQUAL(probe::xauthority_cookie(any, 7), cookie);
  const std::string other{"\x01\x00\x00\x04host\x00\x01"
                          "9\x00\x12MIT-MAGIC-COOKIE-1\x00\x02zz",
                          35};
  std::string exact{"\x01\x00\x00\x04host\x00\x01"
                    "7\x00\x12MIT-MAGIC-COOKIE-1\x00\x10",
                    33};
  exact += "fedcba9876543210";
  CAF_CHECK_EQUAL(probe::xauthority_cookie(other + any + exact, 7), "fedcba9876543210");
  CAF_CHECK_EQUAL(probe::xauthority_cookie(other + any + exact, 8), cookie);
  CAF_CHECK_EQUAL(probe::xauthority_cookie("", 0), "");
  std::string found;
  for (std::size_t n = 0; n < any.size(); ++n) // cut anywhere: no crash, no cookie
    found += probe::xauthority_cookie(any.substr(0, n), 0);
  CAF_CHECK_EQUAL(found, "");
}

CAF_TEST(a real X server answers with the cookie and is missed when it is stopped) {
  const std::string path = standard_path;
  if (!find_program("Xvfb", path)) {
    std::puts("SKIPPED x11 probe: Xvfb is not installed");
    return;
  }
  processes p;
  temp_dir dir;
  const auto auth = (dir.path / "auth").string();
  CAF_REQUIRE(write_file_atomically(auth, probe::xauthority_entry("0123456789abcdef")));
  std::array<int, 2> pipe{};
  CAF_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  process_spec spec;
  // A number that no other test is given the moment this server is gone.
  const auto own = ":" + std::to_string(10'000 + ::getpid() % 30'000);
  spec.argv = {"Xvfb",     own,         "-displayfd", "3",        "-screen", "0",
               "64x64x24", "-nolisten", "tcp",        "-noreset", "-auth",   auth};
  spec.env = {{"PATH", path}};
  spec.descriptors = {{3, pipe[1]}};
  auto server = p.start(spec);
  ::close(pipe[1]);
  std::optional<result<int>> number;
  probe::read_number(p.io.get_executor(), pipe[0], milliseconds{20'000},
                     [&](result<int> r) { number = r; });
  CAF_REQUIRE(p.until([&] { return number.has_value(); }, milliseconds{25'000}));
  CAF_REQUIRE(*number);
  const int display = **number;
  const auto ask = [&](const std::string& with, milliseconds limit) {
    return answer(p.io, [&](probe::done d) {
      probe::x11_display(p.io.get_executor(), display, with, limit, d);
    });
  };
  CAF_CHECK(ask(auth, milliseconds{5000}));
  const auto stranger = ask("", milliseconds{5000});
  CAF_REQUIRE(!stranger);
  CAF_MESSAGE(stranger.error().detail);
  CAF_CHECK(stranger.error().code == errc::io);
  ::kill(server->pid(), SIGSTOP);
  CAF_REQUIRE(eventually([&] {
    const auto table = read_process_table();
    return table.at(server->pid()).state == 'T';
  }));
  const auto begin = steady_clock::now();
  const auto stopped = ask(auth, milliseconds{200});
  CAF_REQUIRE(!stopped);
  CAF_CHECK(stopped.error().code == errc::timeout);
  CAF_CHECK(steady_clock::now() - begin < milliseconds{30'000});
  ::kill(server->pid(), SIGCONT);
  CAF_CHECK(ask(auth, milliseconds{5000}));
  server->handle->signal(SIGTERM);
  CAF_CHECK(p.until([&] { return server->ended.has_value(); }));
  CAF_CHECK(!ask(auth, milliseconds{5000}));
}
