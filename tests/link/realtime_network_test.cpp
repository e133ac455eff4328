// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_network

// TLS, proxies, IPv6 and broken networks between the client and a strict stand-in of Realtime.

#include "gate.hpp"
#include "realtime_rig.hpp"
#include "tests/transport/process_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::test;

namespace {

/// A CA and certificates of it, made by openssl now.
struct certificates {
  temp_dir dir;
  bool made = false;

  certificates() {
    made = make("ca", "", "-days 2 -addext basicConstraints=critical,CA:true")
           && make("good", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days 2")
           && make("other", "subjectAltName=DNS:elsewhere.example", "-days 2");
  }
  std::string file(const std::string& name) const { return (dir.path / name).string(); }

private:
  bool make(const std::string& name, const std::string& names, const std::string& more) {
    auto line
      = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name
        + " -keyout " + file(name + ".key") + " -out " + file(name + ".pem") + " " + more;
    if (!names.empty())
      line += " -addext " + names + " -CA " + file("ca.pem") + " -CAkey " + file("ca.key")
              + " -addext basicConstraints=critical,CA:false";
    return std::system((line + " >/dev/null 2>&1").c_str()) == 0;
  }
};

bool can_make(const certificates& c, const char* test) {
  if (!c.made)
    std::cout << "SKIPPED " << test << ": openssl made no certificates\n";
  return c.made;
}

std::string https(std::uint16_t port, std::string_view host = "localhost") {
  return "https://" + std::string{host} + ":" + std::to_string(port) + "/realtime/v1";
}

} // namespace

CAF_TEST(a client talks over TLS and checks the certificate) {
  const certificates made;
  if (!can_make(made, "a client talks over TLS and checks the certificate"))
    return;
  realtime_server server;
  gate tls{server.port};
  tls.use_tls(made.file("good.pem"), made.file("good.key"));
  tls.start();
  {
    realtime_rig client;
    client.take_your_time();
    client.how.ca_file = made.file("ca.pem");
    CAF_REQUIRE(client.start(https(tls.port)));
    CAF_REQUIRE(client.seen.wait_for("up 1"));
    CAF_CHECK_EQUAL(tls.server_name(), "localhost");
    server.broadcast("cmd", "{\"n\":1}");
    CAF_CHECK(client.seen.wait_for("message cmd {\"n\":1}"));
    // More than one TLS record, both ways.
    const auto large = "{\"x\":\"" + std::string(150'000, 'x') + "\"}";
    for (int i = 0; i < 10; ++i) {
      CAF_CHECK(client.send(large));
      server.broadcast("cmd", large);
    }
    CAF_CHECK(client.eventually([&] { return server.broadcasts == 10 && client.messages == 11; }));
    tls.break_next({});
    server.close_sockets(1012);
    CAF_CHECK(client.seen.wait_for("up 2"));
    client.port().close();
    CAF_CHECK(server.seen.wait_for("leave"));
  }
  realtime_rig by_address;
  by_address.how.ca_file = made.file("ca.pem");
  CAF_REQUIRE(by_address.start(https(tls.port, "127.0.0.1")));
  CAF_CHECK(by_address.seen.wait_for("up 1"));
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(a certificate that proves nothing is refused with a reason) {
  const certificates made;
  if (!can_make(made, "a certificate that proves nothing is refused with a reason"))
    return;
  realtime_server server;
  struct row {
    std::string certificate;
    std::string ca;
    std::string reason;
  };
  for (const auto& one : std::vector<row>{{"good", "", "unable to get local issuer certificate"},
                                          {"ca", "", "self-signed certificate"},
                                          {"other", "ca.pem", "ostname mismatch"}}) {
    gate tls{server.port};
    tls.use_tls(made.file(one.certificate + ".pem"), made.file(one.certificate + ".key"));
    tls.start();
    realtime_rig client;
    client.how.ca_file = one.ca.empty() ? "" : made.file(one.ca);
    CAF_REQUIRE(client.start(https(tls.port)));
    CAF_REQUIRE(client.seen.wait_for("down io"));
    CAF_CHECK(client.details().find("is not trusted") != std::string::npos);
    CAF_CHECK(client.details().find(one.reason) != std::string::npos);
    if (client.details().find(one.reason) == std::string::npos)
      std::cerr << client.details();
  }
  CAF_CHECK_EQUAL(server.handshakes.load(), 0);
  realtime_rig client;
  client.how.ca_file = made.file("missing.pem");
  CAF_CHECK(!client.start("wss://localhost:1/realtime/v1"));
  CAF_CHECK(client.details().find("missing.pem") != std::string::npos);
}

CAF_TEST(a proxy is asked with its credentials) {
  const certificates made;
  if (!can_make(made, "a proxy is asked with its credentials"))
    return;
  realtime_server server;
  gate tls{server.port};
  tls.use_tls(made.file("good.pem"), made.file("good.key"));
  tls.start();
  gate proxy{tls.port};
  proxy.use_proxy("Basic dXNlcjpwQHNz"); // user:p@ss
  proxy.start();
  {
    realtime_rig client;
    client.how.ca_file = made.file("ca.pem");
    client.how.proxy = "http://user:p%40ss@127.0.0.1:" + std::to_string(proxy.port);
    CAF_REQUIRE(client.start("wss://localhost/realtime/v1"));
    CAF_CHECK(client.seen.wait_for("up 1"));
    CAF_CHECK_EQUAL(proxy.asked_for(), "localhost:443"); // the name is the proxy's to look up
    CAF_CHECK_EQUAL(tls.server_name(), "localhost");
  }
  {
    realtime_rig wrong;
    wrong.how.ca_file = made.file("ca.pem");
    wrong.how.proxy = "http://user:wrong@127.0.0.1:" + std::to_string(proxy.port);
    CAF_REQUIRE(wrong.start("wss://localhost/realtime/v1"));
    CAF_CHECK(wrong.seen.wait_for("down io"));
    CAF_CHECK(wrong.details().find("407") != std::string::npos);
    CAF_CHECK(wrong.details().find("wrong") == std::string::npos); // no secret
  }
  realtime_rig socks;
  socks.how.proxy = "socks5://secret@127.0.0.1:1";
  CAF_CHECK(!socks.start("wss://localhost/realtime/v1"));
  CAF_CHECK(socks.details().find("secret") == std::string::npos);
}

CAF_TEST(an IPv6 address is a way to the server) {
  realtime_server server;
  std::unique_ptr<gate> six;
  try {
    six = std::make_unique<gate>(server.port, boost::asio::ip::address_v6::loopback());
  } catch (const std::exception& e) {
    std::cout << "SKIPPED an IPv6 address is a way to the server: " << e.what() << "\n";
    return;
  }
  six->start();
  realtime_rig client;
  CAF_REQUIRE(client.start("ws://[::1]:" + std::to_string(six->port) + "/realtime/v1/"));
  CAF_CHECK(client.seen.wait_for("up 1"));
}

CAF_TEST(an end at any byte of a join is survived) {
  realtime_server server;
  // How long it is when nothing breaks.
  std::size_t up = 0;
  std::size_t down = 0;
  {
    gate whole{server.port};
    whole.start();
    realtime_rig client;
    CAF_REQUIRE(client.start("http://127.0.0.1:" + std::to_string(whole.port) + "/realtime/v1"));
    CAF_REQUIRE(client.seen.wait_for("up 1"));
    up = whole.up;
    down = whole.down;
  }
  std::vector<fault> faults;
  const std::vector<fault::kind> kinds{fault::kind::end, fault::kind::reset, fault::kind::garbage};
  for (std::size_t at = 0; at <= up; ++at)
    faults.push_back({kinds[at % 2], true, at});
  for (std::size_t at = 0; at <= down; ++at)
    faults.push_back({kinds[at % 3], false, at});
  std::cout << faults.size() << " places\n";
  constexpr std::size_t at_once = 16;
  for (std::size_t i = 0; i < faults.size(); i += at_once) {
    std::vector<std::unique_ptr<gate>> gates;
    std::vector<std::unique_ptr<realtime_rig>> clients;
    for (std::size_t k = i; k < std::min(i + at_once, faults.size()); ++k) {
      gates.push_back(std::make_unique<gate>(server.port));
      gates.back()->break_next({faults[k]});
      gates.back()->start();
      clients.push_back(std::make_unique<realtime_rig>());
      clients.back()->how.seed = k + 1;
      CAF_REQUIRE(clients.back()->start("http://127.0.0.1:" + std::to_string(gates.back()->port)
                                        + "/realtime/v1"));
    }
    for (std::size_t k = 0; k < clients.size(); ++k) {
      // The one whose fault strikes after its first join comes up twice.
      const bool came = clients[k]->eventually([&] {
        return gates[k]->connections >= 2
               && clients[k]->port().status().value("state", "") == "joined";
      });
      if (!came)
        std::cerr << "fault " << i + k << ": " << clients[k]->port().status().dump() << "\n";
      CAF_CHECK(came);
    }
  }
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
  for (const auto& one : server.violations())
    std::cerr << one << "\n";
}

CAF_TEST(a network that goes silent is left when a heartbeat goes unanswered) {
  realtime_server server;
  std::size_t whole = 0;
  {
    gate measured{server.port};
    measured.start();
    realtime_rig client;
    CAF_REQUIRE(client.start("http://127.0.0.1:" + std::to_string(measured.port) + "/realtime/v1"));
    CAF_REQUIRE(client.seen.wait_for("up 1"));
    whole = measured.up;
  }
  gate silent{server.port};
  silent.break_next({{fault::kind::stall, true, whole + 20}}); // in the first heartbeat
  silent.start();
  realtime_rig client;
  CAF_REQUIRE(client.start("http://127.0.0.1:" + std::to_string(silent.port) + "/realtime/v1"));
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  CAF_CHECK(client.eventually([&] { return client.ups == 2; }));
  CAF_CHECK(client.seen.wait_for("down timeout"));
  CAF_CHECK(client.details().find("heartbeat") != std::string::npos);
}

CAF_TEST(a server that never answers the handshake is given up) {
  realtime_server server;
  gate silent{server.port};
  silent.break_next({{fault::kind::stall, true, 10}});
  silent.start();
  realtime_rig client;
  CAF_REQUIRE(client.start("http://127.0.0.1:" + std::to_string(silent.port) + "/realtime/v1"));
  CAF_CHECK(client.seen.wait_for("down timeout"));
  CAF_CHECK(client.seen.wait_for("up 1"));
}
