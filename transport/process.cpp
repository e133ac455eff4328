// SPDX-License-Identifier: Apache-2.0

#include "transport/process.hpp"

#include "transport/log_file.hpp"
#include "transport/output_ring.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/process/v2/process.hpp>

#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <optional>
#include <unistd.h>
#include <utility>

namespace holt {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds drain_limit{200};
constexpr std::uint64_t log_max_bytes = 5 * 1024 * 1024;
constexpr unsigned log_keep = 2;

using boost::system::error_code;
using handle = boost::process::v2::basic_process<asio::any_io_executor>;

exit_status to_status(int native) {
  exit_status out;
  if (WIFSIGNALED(native))
    out.signal = WTERMSIG(native);
  else
    out.code = WEXITSTATUS(native);
  return out;
}

class running_process final : public process, public std::enable_shared_from_this<running_process> {
public:
  running_process(asio::any_io_executor executor, process_handlers handlers,
                  std::shared_ptr<child_table> children, std::string key)
    : strand_(asio::make_strand(std::move(executor))),
      handlers_(std::move(handlers)),
      children_(std::move(children)),
      output_(strand_),
      drain_(strand_) {
    target_.key = std::move(key);
  }

  void begin(spawner& by, const process_spec& spec) {
    if (!spec.log_file.empty()) {
      log_ = std::make_unique<log_file>(spec.log_file, log_max_bytes, log_keep);
      if (!log_->open())
        log_.reset(); // the ring has the lines all the same
    }
    auto plan = launch_plan::make(spec, target_.key);
    auto self = shared_from_this();
    if (!plan) {
      asio::post(strand_, [self, why = plan.error()] { self->failed(why); });
      return;
    }
    by.launch(std::move(*plan), [self](result<launched> answer) {
      asio::post(self->strand_, [self, answer] {
        if (answer)
          self->started(*answer);
        else
          self->failed(answer.error());
      });
    });
  }

  void signal(int number, bool group) override {
    auto self = shared_from_this();
    asio::dispatch(strand_, [self, number, group] {
      // On the strand: the wait that reaps runs here too, so the pid is still ours.
      if (!self->alive_)
        return;
      const auto pid = self->alive_->id();
      ::kill(group ? -pid : pid, number);
    });
  }

  process_target target() const override {
    std::lock_guard lock{guard_};
    return target_;
  }

  std::vector<std::string> last_lines(std::size_t n) const override {
    std::lock_guard lock{guard_};
    return ring_.last(n);
  }

private:
  void failed(const error& why) {
    auto handlers = std::exchange(handlers_, {});
    if (handlers.on_started)
      handlers.on_started(why);
  }

  void started(const launched& child) {
    {
      std::lock_guard lock{guard_};
      target_.pid = child.pid;
      target_.start_time = child.start_time;
    }
    // The pidfd and the pipe are closed by their Asio objects from here on.
    try {
      output_.assign(child.output);
      alive_.emplace(asio::any_io_executor{strand_}, child.pid, child.pidfd);
    } catch (const std::exception& e) { // epoll takes no more
      give_up(child);
      failed({errc::spawn_failed, std::string("Cannot watch a child: ") + e.what()});
      return;
    }
    if (handlers_.on_started)
      handlers_.on_started(child.pid);
    read();
    wait();
  }

  void wait() {
    auto self = shared_from_this();
    alive_->async_wait([self](error_code ec, int) { self->ended(ec); });
  }

  void give_up(const launched& child) {
    ::kill(child.pid, SIGKILL);
    while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    children_->release(child.pid);
    ::close(child.pidfd);
    if (!output_.is_open())
      ::close(child.output);
  }

  void read() {
    auto self = shared_from_this();
    output_.async_read_some(asio::buffer(buffer_), [self](error_code ec, std::size_t n) {
      self->take({self->buffer_.data(), n});
      if (!ec) {
        self->read();
        return;
      }
      self->output_ended_ = true;
      self->maybe_finish();
    });
  }

  void take(std::string_view bytes) {
    if (log_)
      log_->write(bytes);
    splitter_.feed(bytes, [this](std::string line) { keep(std::move(line)); });
  }

  void keep(std::string line) {
    {
      std::lock_guard lock{guard_};
      ring_.push(line);
    }
    if (handlers_.on_line)
      handlers_.on_line(std::move(line));
  }

  void ended(error_code ec) {
    if (ec == boost::system::errc::interrupted) {
      // Boost's waitpid was hit by a signal (SIGCHLD, with other children ending on other threads:
      // 1 in 1,000 measured): nothing was reaped, ask again.
      wait();
      return;
    }
    status_ = ec ? exit_status{} : to_status(alive_->native_exit_code());
    const auto pid = alive_->id();
    // Its destructor would wait for, or kill, whoever has the number now.
    alive_->detach();
    alive_.reset();
    children_->release(pid);
    if (output_ended_) {
      maybe_finish();
      return;
    }
    auto self = shared_from_this();
    drain_.expires_after(drain_limit);
    drain_.async_wait([self](error_code stopped) {
      if (stopped || self->output_ended_)
        return;
      error_code ignored;
      self->output_.close(ignored); // the read above ends and finishes
    });
  }

  void maybe_finish() {
    if (!status_ || !output_ended_ || finished_)
      return;
    finished_ = true;
    drain_.cancel();
    error_code ignored;
    output_.close(ignored);
    splitter_.finish([this](std::string line) { keep(std::move(line)); });
    log_.reset();
    auto handlers = std::exchange(handlers_, {}); // breaks cycles through captured owners
    if (handlers.on_exit)
      handlers.on_exit(*status_);
  }

  asio::strand<asio::any_io_executor> strand_;
  process_handlers handlers_;
  std::shared_ptr<child_table> children_;
  asio::posix::stream_descriptor output_;
  asio::steady_timer drain_;
  std::optional<handle> alive_; ///< from the start until it was reaped
  std::array<char, 16 * 1024> buffer_{};
  line_splitter splitter_;
  std::unique_ptr<log_file> log_;
  std::optional<exit_status> status_;
  bool output_ended_ = false;
  bool finished_ = false;
  mutable std::mutex guard_; ///< for the next two, read from any thread
  output_ring ring_;
  process_target target_;
};

} // namespace

std::shared_ptr<process> process::start(spawner& by, asio::any_io_executor executor,
                                        process_spec spec, process_handlers handlers) {
  auto self = std::make_shared<running_process>(std::move(executor), std::move(handlers),
                                                by.children(), by.new_key());
  self->begin(by, spec);
  return self;
}

} // namespace holt
