// SPDX-License-Identifier: Apache-2.0
//
// The callers of bench/api: connections that are kept, each with one request under way, on one
// thread. bench/api_bench.py compiles and starts it.
//
//   api_client PORT TOKEN CALLERS COUNT SECONDS STEP...
//
// A STEP is METHOD PATH BODY ("-": none); the steps together are one act, `{id}` in a path is what
// the act's first answer gave as "id". One line of microseconds for each of COUNT acts, after one
// that does not count where there is one caller, and one more for each where there are several;
// ends early after SECONDS. A wrong answer ends it with 1.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

struct step {
  std::string method, path, body;
};

struct settings {
  int port = 0;
  std::string token;
  std::vector<step> steps;
};

/// One connection and where its act is.
class caller {
public:
  explicit caller(const settings& how) : how_(how) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(how.port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error(std::string{"connect: "} + std::strerror(errno));
  }
  ~caller() { ::close(fd_); }
  caller(const caller&) = delete;
  caller& operator=(const caller&) = delete;

  int fd() const { return fd_; }

  void begin() {
    at_ = 0;
    id_.clear();
    began_ = clock_type::now();
    ask();
  }

  /// Reads what is there. True when the act is done.
  bool go_on() {
    if (!read_some())
      return false;
    if (status_ < 200 || status_ >= 300)
      throw std::runtime_error(how_.steps[at_].method + " " + how_.steps[at_].path + ": "
                               + std::to_string(status_) + " " + text_.substr(0, 300));
    if (at_ == 0 && how_.steps.size() > 1)
      id_ = id_of(text_);
    if (++at_ == how_.steps.size())
      return true;
    ask();
    return false;
  }

  double microseconds() const {
    return std::chrono::duration<double, std::micro>(clock_type::now() - began_).count();
  }

private:
  static std::string id_of(const std::string& json) {
    auto from = json.find("\"id\":\"");
    if (from == std::string::npos)
      throw std::runtime_error("no id in " + json.substr(0, 300));
    from += 6;
    return json.substr(from, json.find('"', from) - from);
  }

  void ask() {
    const auto& what = how_.steps[at_];
    auto path = what.path;
    if (auto hole = path.find("{id}"); hole != std::string::npos)
      path.replace(hole, 4, id_);
    auto out = what.method + " " + path
               + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(how_.port) + "\r\n";
    if (!how_.token.empty())
      out += "Authorization: Bearer " + how_.token + "\r\n";
    if (!what.body.empty())
      out += "Content-Type: application/json\r\n";
    if (what.method == "POST")
      out += "Content-Length: " + std::to_string(what.body.size()) + "\r\n";
    out += "\r\n" + what.body;
    head_.clear();
    text_.clear();
    in_body_ = chunked_ = false;
    left_ = 0;
    for (std::size_t done = 0; done < out.size();) {
      auto n = ::send(fd_, out.data() + done, out.size() - done, MSG_NOSIGNAL);
      if (n <= 0)
        throw std::runtime_error("send: " + std::string{std::strerror(errno)});
      done += static_cast<std::size_t>(n);
    }
  }

  void keep(const char* from, std::size_t size) {
    if (text_.size() < 4096 || chunked_)
      text_.append(from, size);
  }

  /// One read. True when the answer is whole. Only the beginning of a body is kept.
  bool read_some() {
    static std::vector<char> buffer(1 << 20);
    auto n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n <= 0)
      throw std::runtime_error("closed while an answer was expected");
    const char* from = buffer.data();
    auto size = static_cast<std::size_t>(n);
    if (!in_body_) {
      head_.append(from, size);
      auto end = head_.find("\r\n\r\n");
      if (end == std::string::npos)
        return false;
      auto rest = head_.substr(end + 4);
      head_.resize(end + 2);
      read_head();
      in_body_ = true;
      keep(rest.data(), rest.size());
      left_ -= static_cast<long long>(rest.size());
    } else {
      keep(from, size);
      left_ -= static_cast<long long>(size);
    }
    if (chunked_)
      return text_.size() >= 5 && text_.compare(text_.size() - 5, 5, "0\r\n\r\n") == 0;
    return left_ <= 0;
  }

  void read_head() {
    status_ = std::atoi(head_.c_str() + 9);
    for (auto& c : head_)
      if (c >= 'A' && c <= 'Z')
        c = static_cast<char>(c + 32);
    if (auto at = head_.find("\r\ncontent-length:"); at != std::string::npos)
      left_ = std::atoll(head_.c_str() + at + 17);
    chunked_ = head_.find("\r\ntransfer-encoding: chunked") != std::string::npos;
  }

  const settings& how_;
  int fd_ = -1;
  std::size_t at_ = 0;
  std::string id_;
  clock_type::time_point began_;
  std::string head_, text_;
  int status_ = 0;
  bool in_body_ = false, chunked_ = false;
  long long left_ = 0;
};

void run(const settings& how, std::size_t callers, std::size_t count, double seconds) {
  std::vector<double> times;
  times.reserve(count);
  auto until = clock_type::now() + std::chrono::duration<double>(seconds);
  if (callers == 1) { // without epoll: nothing between the caller and its socket
    caller one{how};
    for (std::size_t i = 0; i <= count && (i < 2 || clock_type::now() < until); ++i) {
      one.begin();
      while (!one.go_on())
        ;
      if (i > 0)
        times.push_back(one.microseconds());
    }
  } else {
    int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<caller>> all;
    for (std::size_t i = 0; i < callers; ++i) {
      all.push_back(std::make_unique<caller>(how));
      epoll_event want{};
      want.events = EPOLLIN;
      want.data.u64 = i;
      ::epoll_ctl(poll, EPOLL_CTL_ADD, all.back()->fd(), &want);
    }
    std::size_t busy = callers;
    std::size_t begun = 0;
    for (auto& one : all)
      one->begin();
    std::vector<epoll_event> events(callers);
    while (busy > 0) {
      int n = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 120'000);
      if (n <= 0)
        throw std::runtime_error("no answer for two minutes");
      for (int i = 0; i < n; ++i) {
        auto which = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
        if (!all[which]->go_on())
          continue;
        times.push_back(all[which]->microseconds());
        if (begun < count && clock_type::now() < until) {
          ++begun;
          all[which]->begin();
        } else {
          --busy;
        }
      }
    }
    ::close(poll);
  }
  for (auto one : times)
    std::printf("%.1f\n", one);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 9 || (argc - 6) % 3 != 0) {
    std::fputs("usage: api_client PORT TOKEN CALLERS COUNT SECONDS METHOD PATH BODY...\n", stderr);
    return 64;
  }
  settings how;
  how.port = std::atoi(argv[1]);
  how.token = argv[2];
  for (int i = 6; i < argc; i += 3)
    how.steps.push_back(
      {argv[i], argv[i + 1], std::strcmp(argv[i + 2], "-") == 0 ? "" : argv[i + 2]});
  try {
    run(how, static_cast<std::size_t>(std::atoi(argv[3])),
        static_cast<std::size_t>(std::atoi(argv[4])), std::atof(argv[5]));
  } catch (const std::exception& why) {
    std::fprintf(stderr, "%s\n", why.what());
    return 1;
  }
}
