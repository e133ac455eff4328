// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE guard

#include "http_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;
using http::guard_policy;
using http::origin_kind;

namespace {

struct framing_case {
  std::string name;
  std::string bytes;
  unsigned status; ///< 200: one correct answer; else this and the end of the connection
};

const std::string host = "Host: localhost\r\n";
const std::string post = "POST /x HTTP/1.1\r\n" + host;

/// What Beast alone lets through, and the classic smuggling shapes. The body is such that a
/// server which overlooks the fault would find a second request in it.
const std::vector<framing_case> corpus{
  {"te xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n", 400},
  {"te identity", post + "Transfer-Encoding: identity\r\n\r\n", 400},
  {"te chunked gzip", post + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
  {"te gzip chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
  {"te chunked twice in a list", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
   400},
  {"te twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
   400},
  {"te twice differing", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
   400},
  {"te empty", post + "Transfer-Encoding:\r\n\r\n", 400},
  {"te quoted", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
  {"te with parameter", post + "Transfer-Encoding: chunked;q=1\r\n\r\n", 400},
  {"te trailing comma", post + "Transfer-Encoding: chunked,\r\n\r\n", 400},
  {"te vertical tab", post + "Transfer-Encoding: \vchunked\r\n\r\n", 400},
  {"te space before colon", post + "Transfer-Encoding : chunked\r\n\r\n", 400},
  {"te in 1.0", "POST /x HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
  {"te and cl", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
  {"cl and te", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
  {"cl twice", post + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400},
  {"cl twice differing", post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400},
  {"cl list", post + "Content-Length: 4,4\r\n\r\nabcd", 400},
  {"cl plus", post + "Content-Length: +4\r\n\r\nabcd", 400},
  {"cl minus", post + "Content-Length: -4\r\n\r\nabcd", 400},
  {"cl hex", post + "Content-Length: 0x4\r\n\r\nabcd", 400},
  {"cl fraction", post + "Content-Length: 4.0\r\n\r\nabcd", 400},
  {"cl space inside", post + "Content-Length: 4 4\r\n\r\nabcd", 400},
  {"cl empty", post + "Content-Length:\r\n\r\nabcd", 400},
  {"cl too large", post + "Content-Length: 99999999999999999999\r\n\r\nabcd", 400},
  {"cl space before colon", post + "Content-Length : 4\r\n\r\nabcd", 400},
  {"cl word", post + "Content-Length: four\r\n\r\nabcd", 400},
  {"no host", "GET /x HTTP/1.1\r\n\r\n", 400},
  {"no host in 1.0", "GET /x HTTP/1.0\r\n\r\n", 400},
  {"two hosts", "GET /x HTTP/1.1\r\n" + host + host + "\r\n", 400},
  {"two hosts differing", "GET /x HTTP/1.1\r\n" + host + "Host: evil\r\n\r\n", 400},
  {"empty host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", 400},
  {"fold", "GET /x HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400},
  {"fold by tab", "GET /x HTTP/1.1\r\n" + host + "X: a\r\n\tb\r\n\r\n", 400},
  {"fold at once", "GET /x HTTP/1.1\r\n " + host + "\r\n", 400},
  {"folded te", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
  {"bare lf", "GET /x HTTP/1.1\nHost: localhost\n\n", 400},
  {"bare lf in a value", "GET /x HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n", 400},
  {"bare cr in a value", "GET /x HTTP/1.1\r\n" + host + "X: a\rY: b\r\n\r\n", 400},
  {"nul in a value", "GET /x HTTP/1.1\r\n" + host + std::string{"X: a\0b\r\n\r\n", 10}, 400},
  {"empty name", "GET /x HTTP/1.1\r\n" + host + ": v\r\n\r\n", 400},
  {"no colon", "GET /x HTTP/1.1\r\n" + host + "Xyz\r\n\r\n", 400},
  {"name with space", "GET /x HTTP/1.1\r\n" + host + "X y: v\r\n\r\n", 400},
  {"name with a byte over 127", "GET /x HTTP/1.1\r\n" + host + "X\xc3\xa4: v\r\n\r\n", 400},
  {"leading blank line", "\r\nGET /x HTTP/1.1\r\n" + host + "\r\n", 400},
  {"two spaces", "GET  /x HTTP/1.1\r\n" + host + "\r\n", 400},
  {"tab between", "GET\t/x HTTP/1.1\r\n" + host + "\r\n", 400},
  {"space at the end", "GET /x HTTP/1.1 \r\n" + host + "\r\n", 400},
  {"no version", "GET /x\r\n" + host + "\r\n", 400},
  {"version 2", "GET /x HTTP/2.0\r\n" + host + "\r\n", 400},
  {"version 1.2", "GET /x HTTP/1.2\r\n" + host + "\r\n", 400},
  {"lower case version", "GET /x http/1.1\r\n" + host + "\r\n", 400},
  {"method with brackets", "GE(T /x HTTP/1.1\r\n" + host + "\r\n", 400},
  {"absolute target", "GET http://localhost/x HTTP/1.1\r\n" + host + "\r\n", 400},
  {"target without slash", "GET x HTTP/1.1\r\n" + host + "\r\n", 400},
  {"star target", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
  {"authority target", "CONNECT localhost:1 HTTP/1.1\r\n" + host + "\r\n", 400},
  {"fragment", "GET /x#y HTTP/1.1\r\n" + host + "\r\n", 400},
  {"raw utf-8 target", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", 400},
  {"broken escape in the query", "GET /x?a=%zz HTTP/1.1\r\n" + host + "\r\n", 400},
  {"expectation", post + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx", 400},
  {"tls hello", std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15}, 400},
  {"chunk size not hex", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400},
  {"chunk size negative", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400},
  {"chunk without line end", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX0\r\n\r\n", 400},
  {"chunk longer than said", post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400},
  {"chunk size overflow", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
   400},
  {"chunk bare lf", post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", 400},
  {"fine get", "GET /x HTTP/1.1\r\n" + host + "\r\n", 200},
  {"fine body", post + "Content-Length: 4\r\n\r\nabcd", 200},
  {"fine chunks", post + "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200},
  {"fine body that looks like a request", post + "Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
   200},
};

} // namespace

CAF_TEST(malformed framing is answered 400 and nothing is smuggled) {
  server s;
  int wrong = 0;
  for (const auto& one : corpus) {
    const auto before = s.app->markers.load();
    raw_client c{s.port};
    c.send(one.bytes + get("/marker"));
    const auto a = c.read_answer();
    const bool refused = one.status != 200;
    bool good = a.status == one.status;
    if (refused) {
      good = good && a.head.find("Connection: close") != std::string::npos
             && c.rest().find("HTTP/1.1") == std::string::npos && c.ended;
    } else {
      good = good && c.read_answer().status == 200;
    }
    good = good && s.app->markers.load() == before + (refused ? 0 : 1);
    if (!good) {
      ++wrong;
      CAF_MESSAGE("wrong: " << one.name << " got " << a.status);
    }
  }
  CAF_CHECK_EQUAL(wrong, 0);
  CAF_MESSAGE("cases: " << corpus.size());
  CAF_CHECK(s.empties());
}

CAF_TEST(the corpus is refused also byte by byte) {
  for (const auto& one : corpus) {
    const auto marker = get("/marker");
    const auto whole = one.bytes + marker;
    // The pure half must come to the same decision at every cut.
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      const auto head = http::find_head(std::string_view{whole}.substr(0, n), {});
      if (!head)
        break;
      if (*head > 0) {
        const auto frame = http::check_framing(std::string_view{whole}.substr(0, *head), {});
        if (one.status == 200)
          CAF_CHECK(frame.has_value());
        break;
      }
    }
  }
}

CAF_TEST(Host is taken only from the list) {
  guard_policy loopback;
  guard_policy open;
  open.loopback = false;
  open.allowed_hosts = {"box.example", "other.example:8080"};
  struct row {
    std::string host;
    bool at_loopback;
    bool at_open;
  };
  const std::vector<row> table{
    {"localhost", true, false},
    {"LOCALHOST:4658", true, false},
    {"127.0.0.1", true, false},
    {"127.0.0.1:1", true, false},
    {"[::1]", true, false},
    {"[::1]:4658", true, false},
    {"box.example", false, true},
    {"Box.Example:4658", false, true},
    {"other.example", false, false},
    {"other.example:8080", false, true},
    {"other.example:8081", false, false},
    {"box.example.", false, false},
    {"localhost.", false, false},
    {".box.example", false, false},
    {"box.example.evil.com", false, false},
    {"evilbox.example", false, false},
    {"user@box.example", false, false},
    {"localhost@evil.com", false, false},
    {"evil.com@localhost", false, false},
    {"localhost:4658@evil.com", false, false},
    {"box.example:", false, false},
    {"box.example:0", false, false},
    {"box.example:080", false, false},
    {"box.example:99999", false, false},
    {"box.example:12a", false, false},
    {"box.example:1:2", false, false},
    {"::1", false, false},
    {"[::1", false, false},
    {"[::1]x", false, false},
    {"[]", false, false},
    {"[::1%25lo]", false, false},
    {"127.0.0.2", false, false},
    {"127.1", false, false},
    {"2130706433", false, false},
    {"0.0.0.0", false, false},
    {"localhost evil", false, false},
    {"localhost/evil", false, false},
    {"localhost,evil", false, false},
    {"", false, false},
    {"null", false, false},
  };
  for (const auto& r : table) {
    CAF_MESSAGE("host " << r.host);
    CAF_CHECK_EQUAL(http::check_host(loopback, r.host).has_value(), r.at_loopback);
    CAF_CHECK_EQUAL(http::check_host(open, r.host).has_value(), r.at_open);
  }
}

CAF_TEST(Origin is taken only from the same place or the list) {
  guard_policy policy;
  policy.allowed_origins = {"https://app.example", "http://dev.example:5173"};
  policy.origin_exempt = [](std::string_view path) { return path.starts_with("/realtime/"); };
  const std::string here = "localhost:4658";
  const auto kind = [&](std::string_view origin, std::string_view path = "/v1/x") {
    const auto got = http::check_origin(policy, path, here, origin);
    return got ? static_cast<int>(*got) : -1;
  };
  const auto is = [](origin_kind k) { return static_cast<int>(k); };
  CAF_CHECK_EQUAL(kind(""), is(origin_kind::absent));
  CAF_CHECK_EQUAL(kind("http://localhost:4658"), is(origin_kind::same));
  CAF_CHECK_EQUAL(kind("https://localhost:4658"), is(origin_kind::same));
  CAF_CHECK_EQUAL(kind("HTTP://LOCALHOST:4658"), is(origin_kind::same));
  CAF_CHECK_EQUAL(kind("https://app.example"), is(origin_kind::listed));
  CAF_CHECK_EQUAL(kind("https://app.example:443"), is(origin_kind::listed));
  CAF_CHECK_EQUAL(kind("http://dev.example:5173"), is(origin_kind::listed));
  CAF_CHECK_EQUAL(kind("https://evil.example", "/realtime/v1"), is(origin_kind::exempt));
  CAF_CHECK_EQUAL(kind("null", "/realtime/v1"), is(origin_kind::exempt));
  for (const std::string_view origin : {"null",
                                        "http://app.example",
                                        "https://app.example:444",
                                        "https://app.example.",
                                        "https://app.example.evil.com",
                                        "https://evilapp.example",
                                        "https://app.example@evil.com",
                                        "https://evil.com@app.example",
                                        "https://app.example/",
                                        "https://app.example/path",
                                        "https://app.example evil",
                                        "https://sub.app.example",
                                        "file://",
                                        "http://",
                                        "app.example",
                                        "//app.example",
                                        "ftp://app.example",
                                        "http://localhost",
                                        "http://localhost:4659",
                                        "http://127.0.0.1:4658",
                                        "http://dev.example",
                                        "http://dev.example:05173",
                                        "chrome-extension://abc",
                                        "https://app.example, null",
                                        "http://localhost:4658@evil.com",
                                        "http://localhost:4658.evil.com"}) {
    CAF_MESSAGE("origin " << std::string{origin});
    CAF_CHECK_EQUAL(kind(origin), -1);
  }
}

CAF_TEST(a page that the list names may send its cookie and any other page only a token) {
  guard_policy policy;
  policy.allowed_origins = {"*", "https://app.example"};
  const auto credentials = [&](std::string_view origin) {
    const auto kind = http::check_origin(policy, "/v1/x", "localhost:4658", origin);
    CAF_REQUIRE(kind);
    bool named = false;
    bool cookie = false;
    for (const auto& h : http::cors_headers(*kind, origin)) {
      named = named || (h.name == "Access-Control-Allow-Origin" && h.value == origin);
      cookie = cookie || h.name == "Access-Control-Allow-Credentials";
      if (h.name == "Access-Control-Expose-Headers") {
        CAF_CHECK(h.value.find("ETag") != std::string::npos);
        CAF_CHECK(h.value.find("Holt-Frame") != std::string::npos);
      }
    }
    CAF_CHECK(named);
    return cookie;
  };
  CAF_CHECK(credentials("https://app.example"));
  CAF_CHECK(!credentials("https://other.example"));
}

CAF_TEST(the listener refuses what the guard refuses) {
  auto policy = std::make_shared<guard_policy>();
  policy->allowed_origins = {"https://app.example"};
  http::listener_options o;
  o.guard = policy;
  server s{o};
  const std::vector<std::pair<std::string, bool>> hosts{
    {"localhost", true}, {"127.0.0.1:1", true}, {"evil.example", false}, {"localhost.", false}};
  const std::vector<std::pair<std::string, bool>> origins{
    {"", true}, {"https://app.example", true}, {"https://evil.example", false}, {"null", false}};
  for (const auto& [name, host_fine] : hosts)
    for (const auto& [origin, origin_fine] : origins)
      for (const bool websocket : {false, true}) {
        raw_client c{s.port};
        auto request = websocket ? handshake("/ws") : get("/echo");
        request.replace(request.find("Host: localhost"), 15, "Host: " + name);
        if (!origin.empty())
          request.insert(request.find("\r\n") + 2, "Origin: " + origin + "\r\n");
        const auto a = c.ask(request);
        const unsigned wanted = !host_fine ? 421u : !origin_fine ? 403u : websocket ? 101u : 200u;
        CAF_CHECK_EQUAL(a.status, wanted);
        const bool allowed = a.head.find("Access-Control-Allow-Origin: https://app.example\r\n")
                             != std::string::npos;
        CAF_CHECK_EQUAL(allowed, wanted < 300 && origin == "https://app.example");
      }
  raw_client c{s.port};
  const auto a
    = c.ask("OPTIONS /v1/x HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
            "Access-Control-Request-Method: POST\r\n"
            "Access-Control-Request-Headers: authorization\r\n\r\n");
  CAF_CHECK_EQUAL(a.status, 204u);
  CAF_CHECK(a.head.find("Access-Control-Allow-Headers: authorization") != std::string::npos);
  CAF_CHECK_EQUAL(s.app->handled.load(), 4);
}

CAF_TEST(a service with CORS of its own says it once) {
  auto policy = std::make_shared<guard_policy>();
  policy->origin_exempt = [](std::string_view) { return true; };
  http::listener_options o;
  o.guard = policy;
  server s{o};
  for (const std::string_view path : {"/cors", "/echo"}) {
    raw_client c{s.port};
    const auto a = c.ask(get(path, "Origin: https://anywhere.example\r\n"));
    const std::string line = "access-control-allow-origin: *\r\n";
    auto head = a.head;
    for (auto& ch : head)
      ch = ch >= 'A' && ch <= 'Z' ? static_cast<char>(ch + 32) : ch;
    const auto at = head.find(line);
    CAF_REQUIRE(at != head.npos);
    CAF_CHECK(head.find(line, at + 1) == head.npos);
  }
}
