// SPDX-License-Identifier: Apache-2.0
#include "client/transfer.hpp"

#include "client/atomic_file.hpp"
#include "transport/url.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <unistd.h>

namespace holt::client {

namespace {

using namespace std::chrono_literals;

/// At most `room` bytes; 0 at the end. Waits for a pipe or a terminal, but not longer than wake_fd.
result<std::size_t> read_some(int fd, int wake_fd, char* into, std::size_t room,
                              const std::string& name) {
  while (true) {
    pollfd both[2] = {{fd, POLLIN, 0}, {wake_fd, POLLIN, 0}};
    if (::poll(both, wake_fd >= 0 ? 2 : 1, -1) < 0) {
      if (errno == EINTR)
        continue; // it said nothing about either of them
      return local_error(errno, name);
    }
    if (wake_fd >= 0 && both[1].revents != 0)
      return error{errc::cancelled, "It was interrupted."};
    const auto got = ::read(fd, into, room);
    if (got >= 0)
      return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN)
      return local_error(errno, name);
  }
}

} // namespace

result<void> send_file(const api& to, int fd, const std::string& name,
                       std::optional<std::uint64_t> size, const std::string& path,
                       std::optional<mode_t> mode, progress& how_far) {
  auto one = exchange::open(to.to(), to.wake_fd());
  if (!one)
    return one.error();
  outgoing what;
  what.method = "PUT";
  what.target = "/v1/fs/file?path=" + url::percent_encode(path);
  if (mode) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(*mode & 0777u));
    what.target += "&mode=" + std::string{text.data()};
  }
  what.headers.push_back({"Content-Type", "application/octet-stream"});
  what.streamed = true;
  what.size = size;
  how_far.total(size);
  if (auto sent = (*one)->begin(what); !sent)
    return sent.error();
  std::string buffer(transfer_piece, '\0');
  std::uint64_t left = size.value_or(UINT64_MAX);
  while (left > 0) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    auto got = read_some(fd, to.wake_fd(), buffer.data(), room, name);
    if (!got)
      return got.error();
    if (*got == 0 && size)
      return error{errc::io, name + ": became shorter while it was read"};
    if (*got == 0)
      break;
    auto sent = (*one)->write({buffer.data(), *got});
    if (!sent)
      return sent.error();
    if (!*sent)
      break; // refused meanwhile: the answer says why
    left -= *got;
    how_far.add(*got);
  }
  if (auto ended = (*one)->end(); !ended)
    return ended.error();
  auto answer = json_answer(**one, 600s); // the disk's time
  if (!answer)
    return answer.error();
  return {};
}

result<void> receive(const api& from, const std::string& target,
                     const std::function<result<void>(std::string_view)>& take, progress& how_far) {
  outgoing what;
  what.target = target;
  http::response head;
  auto one = from.open(what, head);
  if (!one)
    return one.error();
  if (const auto length = header_of(head, "content-length"); !length.empty())
    how_far.total(std::strtoull(length.c_str(), nullptr, 10));
  std::string buffer(transfer_piece, '\0');
  while (true) {
    auto got = (*one)->read(buffer.data(), buffer.size(), 120s);
    if (!got)
      return got.error();
    if (*got == 0)
      return {};
    if (auto taken = take({buffer.data(), *got}); !taken)
      return taken;
    how_far.add(*got);
  }
}

} // namespace holt::client
