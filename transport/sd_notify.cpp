// SPDX-License-Identifier: Apache-2.0

#include "transport/sd_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <unistd.h>

namespace holt {

result<void> sd_notify(std::string_view state) {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (!socket || !*socket)
    return {};
  return sd_notify_to(socket, state);
}

result<void> sd_notify_to(std::string_view socket, std::string_view state) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (socket.size() < 2 || socket.size() >= sizeof to.sun_path
      || (socket.front() != '/' && socket.front() != '@'))
    return error{errc::io, "NOTIFY_SOCKET is neither a path nor an abstract name."};
  std::memcpy(to.sun_path, socket.data(), socket.size());
  if (socket.front() == '@')
    to.sun_path[0] = '\0';
  const auto length
    = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size()); // no NUL: abstract
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return error{errc::io, "No socket for the service manager."};
  const auto sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), length);
  const int number = errno;
  ::close(fd);
  if (sent != static_cast<ssize_t>(state.size()))
    return error{errc::io, "The service manager takes no news: "
                             + std::system_category().message(number) + "."};
  return {};
}

} // namespace holt
