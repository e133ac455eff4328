// SPDX-License-Identifier: Apache-2.0

#include "transport/keeper_link.hpp"

#include "transport/keeper.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <sys/stat.h>

#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace holt {
namespace asio = boost::asio;

struct keeper_link::tie : std::enable_shared_from_this<tie> {
  tie(asio::any_io_executor executor, int fd, std::function<void()> gone)
    : pipe(asio::make_strand(std::move(executor)), fd), on_gone(std::move(gone)) {}

  void wait() {
    pipe.async_read_some(asio::buffer(byte),
                         [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                           if (!ec)
                             return self->wait(); // the keeper never writes
                           auto call = std::exchange(self->on_gone, {});
                           if (ec != asio::error::operation_aborted && call)
                             call();
                         });
  }

  asio::posix::stream_descriptor pipe;
  std::function<void()> on_gone;
  char byte[1] = {};
};

keeper_link::keeper_link(asio::any_io_executor executor, std::function<void()> on_keeper_gone) {
  const char* text = std::getenv(keeper_variable);
  if (!text)
    return;
  const std::string_view number{text};
  int fd = -1;
  const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), fd);
  const bool whole = ec == std::errc{} && end == number.data() + number.size();
  ::unsetenv(keeper_variable);
  struct stat what {};
  if (!whole || fd < 3 || ::fstat(fd, &what) != 0 || !S_ISFIFO(what.st_mode))
    return; // set by somebody else: not ours to read
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  tie_ = std::make_shared<tie>(std::move(executor), fd, std::move(on_keeper_gone));
  tie_->wait();
}

keeper_link::~keeper_link() {
  if (tie_)
    asio::post(tie_->pipe.get_executor(), [tie = tie_] {
      tie->on_gone = {};
      boost::system::error_code ignored;
      tie->pipe.close(ignored);
    });
}

} // namespace holt
