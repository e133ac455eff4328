// SPDX-License-Identifier: Apache-2.0

#include "shell/job_input.hpp"

#include <boost/asio/buffer.hpp>

#include <termios.h>
#include <unistd.h>
#include <utility>

namespace holt::shell {

using boost::system::error_code;

bool job_input::push(std::string bytes, bool always) {
  std::lock_guard lock{guard_};
  if (closed_ || (!always && waiting_ >= max_waiting))
    return false;
  waiting_ += bytes.size();
  if (!bytes.empty())
    queue_.push_back(std::move(bytes));
  return true;
}

void job_input::close() {
  std::lock_guard lock{guard_};
  closed_ = true;
}

bool job_input::closed() const {
  std::lock_guard lock{guard_};
  return closed_;
}

void job_input::end() {
  {
    std::lock_guard lock{guard_};
    closed_ = true;
    queue_.clear();
    waiting_ = 0;
  }
  error_code ignored;
  fd_.close(ignored);
}

void job_input::open(int fd, bool terminal, std::shared_ptr<void> owner) {
  error_code failure;
  fd_.assign(fd, failure);
  if (failure)
    ::close(fd);
  terminal_ = terminal;
  go_on(std::move(owner));
}

void job_input::go_on(std::shared_ptr<void> owner) {
  if (writing_ || !fd_.is_open())
    return;
  std::unique_lock lock{guard_};
  if (queue_.empty()) {
    const bool over = closed_;
    lock.unlock();
    if (over)
      finish();
    return;
  }
  now_ = std::move(queue_.front());
  queue_.pop_front();
  lock.unlock();
  done_ = 0;
  writing_ = true;
  write(std::move(owner));
}

void job_input::write(std::shared_ptr<void> owner) {
  fd_.async_write_some(boost::asio::buffer(now_.data() + done_, now_.size() - done_),
                       [this, owner = std::move(owner)](error_code ec, std::size_t n) mutable {
                         done_ += n;
                         if (ec) { // the child closed it, or the job has ended
                           writing_ = false;
                           end();
                           return;
                         }
                         if (done_ < now_.size()) {
                           write(std::move(owner));
                           return;
                         }
                         writing_ = false;
                         {
                           std::lock_guard lock{guard_};
                           waiting_ -= std::min(waiting_, now_.size());
                         }
                         now_ = {};
                         go_on(std::move(owner));
                       });
}

void job_input::finish() {
  termios how{};
  // In canonical mode an end-of-file character ends a read; a program in raw mode knows none.
  if (terminal_ && ::tcgetattr(fd_.native_handle(), &how) == 0 && (how.c_lflag & ICANON) != 0) {
    const auto end_of_file = static_cast<char>(how.c_cc[VEOF]);
    [[maybe_unused]] const auto n = ::write(fd_.native_handle(), &end_of_file, 1);
  }
  error_code ignored;
  fd_.close(ignored);
}

} // namespace holt::shell
