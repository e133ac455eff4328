// SPDX-License-Identifier: Apache-2.0
#include "transport/send_file.hpp"

#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace holt::http {

namespace {

constexpr std::uint64_t bytes_per_turn = 8 * 1024 * 1024; ///< then the thread is for others too

} // namespace

std::shared_ptr<file_sender> file_sender::make(int socket, file_body what) {
  const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (own < 0)
    return nullptr;
  return std::shared_ptr<file_sender>{new file_sender{own, std::move(what)}};
}

file_sender::~file_sender() {
  ::close(socket_);
}

file_sender::turn_result file_sender::turn() {
  turn_result out;
  while (what_.length > 0 && out.sent < bytes_per_turn) {
    auto offset = static_cast<off_t>(what_.offset);
    const auto want = static_cast<std::size_t>(std::min(what_.length, bytes_per_turn - out.sent));
    const auto got = ::sendfile(socket_, what_.fd, &offset, want);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      out.full = true;
      return out;
    }
    if (got <= 0) { // 0: the file was cut meanwhile; what was promised cannot be kept
      out.failed = true;
      return out;
    }
    const auto n = static_cast<std::uint64_t>(got);
    what_.offset += n;
    what_.length -= n;
    out.sent += n;
  }
  return out;
}

} // namespace holt::http
