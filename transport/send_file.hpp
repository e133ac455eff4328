// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sends a part of a file into a socket by sendfile(2), turn by turn, on a thread that may wait for
// the disk. Has a descriptor of its own for the socket, so that a session that ends meanwhile takes
// nothing from under it. Internal to transport/: made and asked by http_session, one turn at a
// time.

#include "transport/http_body.hpp"

namespace holt::http {

class file_sender {
public:
  struct turn_result {
    std::uint64_t sent = 0; ///< bytes
    bool full = false;      ///< the socket takes no more for now
    bool failed = false;    ///< the peer is gone, or the file became shorter
  };

  /// Null when there is no descriptor left.
  static std::shared_ptr<file_sender> make(int socket, file_body what);
  file_sender(const file_sender&) = delete;
  file_sender& operator=(const file_sender&) = delete;
  ~file_sender();

  /// On a thread that may block; never waits for the socket. At most 8 MiB.
  turn_result turn();
  std::uint64_t left() const noexcept { return what_.length; }
  const boost::asio::any_io_executor& blocking() const noexcept { return what_.blocking; }

private:
  file_sender(int socket, file_body what) : socket_{socket}, what_{std::move(what)} {}

  int socket_;
  file_body what_;
};

} // namespace holt::http
