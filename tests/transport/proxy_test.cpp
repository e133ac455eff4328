// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE proxy

#include "transport/http_connect.hpp"
#include "transport/proxy.hpp"
#include "transport/url.hpp"

#include "check.hpp"
#include "process_fixture.hpp"

#include <sys/socket.h>

#include <fcntl.h>
#include <netinet/in.h>

#include <caf/all.hpp>

using namespace holt;
using namespace holt::http;
using namespace std::chrono_literals;
using tcp = boost::asio::ip::tcp;

namespace {

std::string via(const proxy_settings& from, std::string_view host, std::uint16_t port, bool tls) {
  const auto got = choose_proxy(from, host, port, tls);
  if (!got)
    return "error";
  return *got ? (*got)->host + ":" + std::to_string((*got)->port) : "straight";
}

/// Listens, but takes nothing: a connection to it hangs.
struct black_hole {
  int fd = -1;
  std::vector<int> filling;
  std::uint16_t port = 0;

  black_hole() {
    fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    if (fd < 0 || ::bind(fd, address, size) != 0 || ::listen(fd, 0) != 0
        || ::getsockname(fd, address, &size) != 0)
      return;
    port = ntohs(at.sin6_port);
    for (int i = 0; i < 8; ++i) {
      const int one = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(one, address, size);
      filling.push_back(one);
    }
  }
  ~black_hole() {
    for (const int one : filling)
      ::close(one);
    if (fd >= 0)
      ::close(fd);
  }
  /// Whether one more connection is not answered within half a second.
  bool works() const {
    if (port == 0)
      return false;
    const int one = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_addr = in6addr_loopback;
    at.sin6_port = htons(port);
    ::connect(one, reinterpret_cast<sockaddr*>(&at), sizeof at);
    pollfd p{one, POLLOUT, 0};
    const bool silent = ::poll(&p, 1, 500) == 0;
    ::close(one);
    return silent;
  }
};

} // namespace

CAF_TEST(a proxy is read from its address) {
  const auto plain = parse_proxy("http://proxy.example:3128");
  CAF_REQUIRE(plain.has_value());
  CAF_CHECK_EQUAL(plain->host, "proxy.example");
  CAF_CHECK_EQUAL(plain->port, 3128);
  CAF_CHECK_EQUAL(plain->authorization, "");
  CAF_CHECK(parse_proxy("proxy:3128")->host == "proxy");
  CAF_CHECK(parse_proxy("http://proxy")->port == 80);
  CAF_CHECK(parse_proxy("http://[::1]:8080/")->host == "::1");
  CAF_CHECK(parse_proxy("http://user:p%40ss@proxy")->authorization == "Basic dXNlcjpwQHNz");
  CAF_CHECK(parse_proxy("http://Aladdin:open%20sesame@proxy")->authorization
            == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  for (const auto* bad : {"", "http://", "https://proxy", "socks5://proxy", "http://proxy:0",
                          "http://proxy:70000", "http://pro xy", "http://proxy:x",
                          "http://user:%zz@proxy", "http://[::1", "http://proxy#x"}) {
    const auto got = parse_proxy(bad);
    CAF_CHECK(!got);
    if (!got)
      CAF_CHECK_EQUAL(got.error().code, errc::config);
  }
}

CAF_TEST(NO_PROXY names what goes straight) {
  const auto* list = "internal, .corp.example,*.lab.example 10.0.0.0/8,192.168.7.7,[fd00::1],"
                     "fd12::/16,one.example:8443";
  struct row {
    const char* host;
    std::uint16_t port;
    bool straight;
  };
  for (const auto& one : std::vector<row>{{"internal", 443, true},
                                          {"INTERNAL.", 443, true},
                                          {"a.internal", 443, true},
                                          {"notinternal", 443, false},
                                          {"corp.example", 443, true},
                                          {"x.y.corp.example", 443, true},
                                          {"xcorp.example", 443, false},
                                          {"a.lab.example", 443, true},
                                          {"10.200.3.4", 443, true},
                                          {"11.0.0.1", 443, false},
                                          {"192.168.7.7", 443, true},
                                          {"192.168.7.8", 443, false},
                                          {"fd00::1", 443, true},
                                          {"fd12:0:0:9::1", 443, true},
                                          {"fd13::1", 443, false},
                                          {"one.example", 8443, true},
                                          {"one.example", 443, false}}) {
    CAF_CHECK_EQUAL(bypassed(list, one.host, one.port), one.straight);
    if (bypassed(list, one.host, one.port) != one.straight)
      std::cerr << one.host << "\n";
  }
  CAF_CHECK(bypassed("*", "anything", 1));
  CAF_CHECK(!bypassed("", "anything", 1));
  CAF_CHECK(!bypassed(" , ,:,", "anything", 1));
}

CAF_TEST(the scheme chooses the proxy and loopback needs none) {
  const proxy_settings from{"http://secure:1", "http://plain:2", "skip.example"};
  CAF_CHECK_EQUAL(via(from, "x.example", 443, true), "secure:1");
  CAF_CHECK_EQUAL(via(from, "x.example", 80, false), "plain:2");
  CAF_CHECK_EQUAL(via(from, "skip.example", 443, true), "straight");
  for (const auto* near :
       {"localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"})
    CAF_CHECK_EQUAL(via(from, near, 443, true), "straight");
  CAF_CHECK_EQUAL(via({"", "http://plain:2", ""}, "x.example", 443, true), "straight");
  CAF_CHECK_EQUAL(via({"ftp://x", "", ""}, "x.example", 443, true), "error");
}

CAF_TEST(the environment is read as curl reads it) {
  for (const auto* name : {"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy",
                           "ALL_PROXY", "no_proxy", "NO_PROXY"})
    ::unsetenv(name);
  ::setenv("HTTPS_PROXY", "http://upper", 1);
  ::setenv("HTTP_PROXY", "http://evil", 1); // a CGI server makes it of a header
  ::setenv("NO_PROXY", "a,b", 1);
  auto got = proxy_environment();
  CAF_CHECK_EQUAL(got.https, "http://upper");
  CAF_CHECK_EQUAL(got.http, "");
  CAF_CHECK_EQUAL(got.none, "a,b");
  ::setenv("https_proxy", "http://lower", 1);
  ::setenv("ALL_PROXY", "http://all", 1);
  got = proxy_environment();
  CAF_CHECK_EQUAL(got.https, "http://lower");
  CAF_CHECK_EQUAL(got.http, "http://all");
}

CAF_TEST(addresses are tried in turn) {
  const auto at = [](const char* text) {
    return tcp::endpoint{boost::asio::ip::make_address(text), 1};
  };
  const auto got = in_turn({at("::1"), at("::2"), at("::3"), at("1.1.1.1"), at("2.2.2.2")});
  const std::vector<tcp::endpoint> want{at("::1"), at("1.1.1.1"), at("::2"), at("2.2.2.2"),
                                        at("::3")};
  CAF_CHECK(got == want);
  CAF_CHECK(in_turn({}).empty());
  CAF_CHECK_EQUAL(authority("::1", 443), "[::1]:443");
  CAF_CHECK_EQUAL(authority("host", 0), "host");
}

CAF_TEST(a dead address costs a quarter of a second) {
  const black_hole hole;
  if (!hole.works()) {
    std::cout << "SKIPPED a dead address costs a quarter of a second: no silent IPv6 port here\n";
    return;
  }
  boost::asio::io_context io;
  tcp::acceptor good{io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
  const auto strand = boost::asio::make_strand(io.get_executor());
  std::optional<result<socket_type>> got;
  const auto start = std::chrono::steady_clock::now();
  connect_to_any(
    strand,
    {tcp::endpoint{boost::asio::ip::address_v6::loopback(), hole.port}, good.local_endpoint()},
    [&](result<socket_type> what) { got.emplace(std::move(what)); });
  CAF_REQUIRE(test::run_until(io, [&] { return got.has_value(); }));
  CAF_REQUIRE(got->has_value());
  CAF_CHECK((*got)->remote_endpoint().address().is_v4());
  const auto took = std::chrono::steady_clock::now() - start;
  CAF_CHECK(took >= 240ms);
}

CAF_TEST(a refused address is followed by the next at once) {
  boost::asio::io_context io;
  tcp::acceptor good{io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
  // Bound and not listening: nobody else gets the port meanwhile.
  tcp::socket gone{io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
  const auto dead = gone.local_endpoint();
  const auto strand = boost::asio::make_strand(io.get_executor());
  std::optional<result<socket_type>> got;
  connect_to_any(strand, {dead, dead, dead, good.local_endpoint()},
                 [&](result<socket_type> what) { got.emplace(std::move(what)); });
  CAF_REQUIRE(test::run_until(io, [&] { return got.has_value(); }));
  CAF_CHECK(got->has_value());
  got.reset();
  connect_to_any(strand, {dead, dead},
                 [&](result<socket_type> what) { got.emplace(std::move(what)); });
  CAF_REQUIRE(test::run_until(io, [&] { return got.has_value(); }));
  CAF_CHECK(!got->has_value());
  got.reset();
  const auto give_up
    = connect_to_any(strand, {tcp::endpoint{boost::asio::ip::make_address("192.0.2.1"), 9}},
                     [&](result<socket_type> what) { got.emplace(std::move(what)); });
  boost::asio::post(strand, give_up);
  CAF_REQUIRE(test::run_until(io, [&] { return got.has_value(); }));
  CAF_CHECK(!got->has_value());
}

CAF_TEST(absolute URLs are read strictly) {
  const auto got = url::parse_absolute("WSS://Ref.Supabase.CO/realtime/v1?x=1");
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->scheme, "wss");
  CAF_CHECK_EQUAL(got->host, "ref.supabase.co");
  CAF_CHECK_EQUAL(got->port, 443);
  CAF_CHECK_EQUAL(got->target, "/realtime/v1?x=1");
  CAF_CHECK(url::parse_absolute("http://h?x")->target == "/?x");
  CAF_CHECK(url::parse_absolute("http://u:p@[::1]:81")->host == "::1");
  CAF_CHECK(url::parse_absolute("http://u:p@h")->userinfo == "u:p");
  CAF_CHECK(url::parse_absolute("http://h:")->port == 80);
  for (const auto* bad :
       {"", "h", "ftp://h", "http:///x", "http://h:0", "http://h:65536", "http://h:1x",
        "http://h:123456", "http://[::1", "http://[1]", "http://h h", "http://h#f", "http://h\\x",
        "http://h%41", "://h", "http://[::1]x"})
    CAF_CHECK(!url::parse_absolute(bad));
}
