// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE http_streaming

#include "transport/http_body.hpp"

#include "check.hpp"
#include "http_rig.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <caf/all.hpp>

#include <array>
#include <sys/mman.h>

using namespace rig;

namespace {

/// PUT /sink counts the bytes; /refuse-open, /refuse-write answer 409; GET /file is a file of a
/// megabyte, /parts three pieces, /broken one and an error, /events never ends.
class streaming_app : public test_service, public http::streaming_service {
public:
  struct counter : http::body_sink {
    counter(streaming_app& a, std::string p) : app{a}, path{std::move(p)} {}
    ~counter() override { app.seen.add("sink gone"); }
    void open(done then) override { answer(std::move(then), path == "/refuse-open"); }
    void write(std::string_view piece, done then) override {
      bytes += piece.size();
      for (const char c : piece)
        sum = sum * 31 + static_cast<unsigned char>(c);
      app.most = std::max(app.most.load(), piece.size());
      answer(std::move(then), path == "/refuse-write");
    }
    void answer(done then, bool no) {
      boost::asio::post(app.pool, [then = std::move(then), no] {
        then(no ? std::optional{http::problem({errc::conflict, "no"})} : std::nullopt);
      });
    }
    streaming_app& app;
    std::string path;
    std::uint64_t bytes = 0;
    std::uint64_t sum = 0;
  };

  struct pieces : http::body_source {
    pieces(streaming_app& a, std::string p) : app{a}, path{std::move(p)} {}
    ~pieces() override { app.seen.add("source gone"); }
    void next(done then) override {
      if (path == "/events" && count > 0) {
        waiting = std::move(then);
        return;
      }
      boost::asio::post(app.pool,
                        [then = std::move(then), n = count++, broken = path == "/broken"] {
                          if (broken && n == 1)
                            then(error{errc::io, "broken"});
                          else
                            then(n == 3 ? std::string{} : "piece " + std::to_string(n) + "\n");
                        });
    }
    bool endless() const noexcept override { return path == "/events"; }
    streaming_app& app;
    std::string path;
    int count = 0;
    done waiting;
  };

  streaming_app() {
    fd = ::memfd_create("test", MFD_CLOEXEC);
    content.resize(1024 * 1024 + 7);
    for (std::size_t i = 0; i < content.size(); ++i)
      content[i] = static_cast<char>(i * 31 >> 3);
    if (::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      std::abort();
  }
  ~streaming_app() override {
    pool.join();
    ::close(fd);
  }

  bool streams(const http::request& head) override { return head.path != "/echo"; }
  std::shared_ptr<http::body_sink> open_body(const http::request& head) override {
    return head.method == "PUT" ? std::make_shared<counter>(*this, head.path) : nullptr;
  }
  void handle_streaming(http::request what, std::shared_ptr<http::body_sink> sink,
                        http::streaming_reply answer) override {
    http::streaming_response out;
    if (auto got = std::dynamic_pointer_cast<counter>(sink)) {
      out.body = text(std::to_string(got->bytes) + " " + std::to_string(got->sum));
    } else if (what.path == "/file") {
      out.file.emplace();
      out.file->fd = fd;
      out.file->offset = 3;
      out.file->length = content.size() - 3;
      out.file->blocking = pool.get_executor();
    } else {
      out.stream = std::make_shared<pieces>(*this, what.path);
    }
    answer(std::move(out));
  }

  boost::asio::thread_pool pool{2};
  int fd = -1;
  std::string content;
  std::atomic<std::size_t> most{0};
};

struct streaming_server : server {
  streaming_server() : server{std::make_shared<streaming_app>()} {}
  streaming_app& own() { return static_cast<streaming_app&>(*app); }
};

std::string put(const std::string& path, const std::string& head, const std::string& body) {
  return "PUT " + path + " HTTP/1.1\r\nHost: localhost\r\n" + head + "\r\n" + body;
}

std::string length(std::size_t n) {
  return "Content-Length: " + std::to_string(n) + "\r\n";
}

std::string sum_of(const std::string& bytes) {
  std::uint64_t sum = 0;
  for (const char c : bytes)
    sum = sum * 31 + static_cast<unsigned char>(c);
  return std::to_string(bytes.size()) + " " + std::to_string(sum);
}

std::string chunked(const std::string& bytes, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const auto piece = bytes.substr(at, size);
    std::array<char, 20> head{};
    std::snprintf(head.data(), head.size(), "%zx\r\n", piece.size());
    out += head.data() + piece + "\r\n";
  }
  return out + "0\r\n\r\n";
}

} // namespace

CAF_TEST(a body goes into the sink in bounded pieces) {
  streaming_server s;
  s.app->body_limit = 100'000'000;
  raw_client c{s.port};
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{65'536}, std::size_t{3'000'001}}) {
    const std::string bytes(size, 'q');
    CAF_CHECK_EQUAL(c.ask(put("/sink", length(size), bytes)).body, sum_of(bytes));
    CAF_CHECK_EQUAL(
      c.ask(put("/sink", "Transfer-Encoding: chunked\r\n", chunked(bytes, 5000))).body,
      sum_of(bytes));
  }
  CAF_CHECK(s.own().most <= 512 * 1024);
}

CAF_TEST(what is pipelined behind a streamed body is answered) {
  streaming_server s;
  raw_client c{s.port};
  const auto one = put("/sink", length(3), "abc");
  const auto two = put("/sink", "Transfer-Encoding: chunked\r\n", chunked("hello", 2));
  CAF_REQUIRE(c.send(one + two + get("/echo") + one));
  CAF_CHECK_EQUAL(c.read_answer().body, sum_of("abc"));
  CAF_CHECK_EQUAL(c.read_answer().body, sum_of("hello"));
  CAF_CHECK_EQUAL(c.read_answer().body, "GET /echo ");
  CAF_CHECK_EQUAL(c.read_answer().body, sum_of("abc"));
}

CAF_TEST(a sink refuses before and while the body comes) {
  streaming_server s;
  s.app->body_limit = 100'000'000;
  raw_client early{s.port};
  CAF_REQUIRE(early.send(put("/refuse-open", "Expect: 100-continue\r\n" + length(1'000'000), "")));
  CAF_CHECK_EQUAL(early.read_answer().status, 409u);
  raw_client late{s.port};
  // It may be cut off while it says the rest.
  CAF_CHECK_EQUAL(
    late.ask(put("/refuse-write", length(10'000'000), std::string(200'000, 'x'))).status, 409u);
  raw_client large{s.port};
  s.app->body_limit = 1000;
  CAF_CHECK_EQUAL(
    large.ask(put("/sink", "Transfer-Encoding: chunked\r\n", chunked(std::string(5000, 'x'), 500)))
      .status,
    413u);
}

CAF_TEST(a peer that leaves takes its sink along) {
  streaming_server s;
  {
    raw_client c{s.port};
    CAF_REQUIRE(c.send(put("/sink", length(1000), "half")));
  }
  CAF_CHECK(s.app->seen.wait_for("sink gone"));
  CAF_CHECK(s.empties());
}

CAF_TEST(a file is sent whole and the connection stays) {
  streaming_server s;
  raw_client c{s.port};
  for (int i = 0; i < 3; ++i) {
    const auto a = c.ask(get("/file"));
    CAF_CHECK_EQUAL(a.status, 200u);
    CAF_CHECK(a.body == s.own().content.substr(3));
  }
}

CAF_TEST(a slow reader of a file blocks nobody) {
  streaming_server s;
  std::vector<std::unique_ptr<raw_client>> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(std::make_unique<raw_client>(s.port, 4096));
    CAF_REQUIRE(slow.back()->send(get("/file")));
  }
  raw_client quick{s.port};
  CAF_CHECK(quick.ask(get("/file")).body == s.own().content.substr(3));
  CAF_CHECK(slow.back()->read_answer().body == s.own().content.substr(3));
  slow.clear(); // in the middle of it
  CAF_CHECK_EQUAL(quick.ask(get("/echo")).body, "GET /echo ");
}

CAF_TEST(a body is made while it is sent) {
  streaming_server s;
  raw_client c{s.port};
  CAF_REQUIRE(c.send(get("/parts")));
  const auto all = c.rest();
  CAF_CHECK(all.find("Transfer-Encoding: chunked") != std::string::npos);
  CAF_CHECK(
    all.ends_with("\r\n\r\n8\r\npiece 0\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n0\r\n\r\n"));
  raw_client old{s.port};
  CAF_REQUIRE(old.send("GET /parts HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  const auto plain = old.rest();
  CAF_CHECK(plain.find("chunked") == std::string::npos);
  CAF_CHECK(plain.ends_with("\r\n\r\npiece 0\npiece 1\npiece 2\n"));
  raw_client broken{s.port};
  CAF_REQUIRE(broken.send(get("/broken")));
  CAF_CHECK(!broken.rest().ends_with("0\r\n\r\n"));
}

CAF_TEST(an endless body ends with its peer and with the listener) {
  streaming_server s;
  {
    raw_client c{s.port};
    CAF_REQUIRE(c.send(get("/events")));
    CAF_REQUIRE(c.need(100));
  }
  CAF_CHECK(s.app->seen.wait_for("source gone"));
  raw_client c{s.port};
  CAF_REQUIRE(c.send(get("/events")));
  CAF_REQUIRE(c.need(100));
  s.listener.close_all(1001, "over", [] {});
  CAF_CHECK(s.empties());
}
