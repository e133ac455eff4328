// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE sd_notify

#include "transport/sd_notify.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

using namespace holt;
using namespace holt::test;

namespace {

/// A bound datagram socket; `name` as in NOTIFY_SOCKET.
int manager(const std::string& name) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, name.data(), name.size());
  if (name.front() == '@')
    at.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  CAF_REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&at), length) == 0);
  return fd;
}

std::string received(int fd) {
  std::array<char, 256> text{};
  const auto n = ::recv(fd, text.data(), text.size(), MSG_DONTWAIT);
  return n < 0 ? "<nothing>" : std::string(text.data(), static_cast<std::size_t>(n));
}

} // namespace

CAF_TEST(news go to a path and to an abstract name) {
  temp_dir dir;
  for (const auto& name :
       {(dir.path / "notify").string(), "@holt-test-" + std::to_string(::getpid())}) {
    const int fd = manager(name);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    CAF_CHECK(sd_notify("READY=1\nSTATUS=serving"));
    CAF_CHECK_EQUAL(received(fd), "READY=1\nSTATUS=serving");
    ::close(fd);
  }
  ::unsetenv("NOTIFY_SOCKET");
}

CAF_TEST(without a manager nothing happens and a wrong one is an error) {
  ::unsetenv("NOTIFY_SOCKET");
  CAF_CHECK(sd_notify("READY=1"));
  CAF_CHECK(!sd_notify_to("/nowhere/notify", "READY=1"));
  CAF_CHECK(!sd_notify_to("relative", "READY=1"));
  CAF_CHECK(!sd_notify_to("", "READY=1"));
  CAF_CHECK(!sd_notify_to("/" + std::string(200, 'x'), "READY=1"));
}
