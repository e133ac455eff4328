// SPDX-License-Identifier: Apache-2.0

#include "shell/shell_job.hpp"

#include "shell/job_input.hpp"
#include "shell/job_plan.hpp"
#include "shell/job_report.hpp"
#include "shell/job_surroundings.hpp"
#include "shell/output_keeper.hpp"
#include "transport/child_wait.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <sys/ioctl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <unistd.h>
#include <utility>

namespace holt::shell {
namespace asio = boost::asio;
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// From the shell's end to the answer, while something else holds an output.
constexpr milliseconds drain_limit{100};
constexpr milliseconds kill_limit{2000};
/// From the end of a kill to the answer, when the shell itself does not go (stuck in the kernel).
constexpr milliseconds stuck_limit{500};
constexpr std::size_t read_bytes = 64 * 1024;
/// Reads in a row before other handlers of this thread have their turn.
constexpr int reads_in_a_row = 8;

class running_job final : public shell_job, public std::enable_shared_from_this<running_job> {
public:
  running_job(shell_tools tools, asio::any_io_executor executor, const shell_request& what,
              const shell_defaults& defaults, shell_handlers handlers)
    : strand_(asio::make_strand(std::move(executor))),
      tools_(tools),
      handlers_(std::move(handlers)),
      timeout_(what.timeout),
      terminal_(what.pty),
      memory_events_(defaults.memory_events),
      alive_(strand_, tools.starter.children()),
      deadline_(strand_),
      drain_(strand_),
      input_(strand_),
      streams_{{{strand_, what.max_output, defaults},
                {strand_, what.pty ? 0 : what.max_output, defaults}}} {
    target_.key = tools.starter.new_key();
  }

  void begin(shell_request what, const shell_defaults& defaults) {
    memory_kills_ = memory_kills(memory_events_);
    auto self = shared_from_this();
    if (what.standard_input)
      input_.push(std::exchange(*what.standard_input, {}), true);
    if (!what.keep_stdin)
      input_.close();
    auto plan = make_plan(what, defaults, target_.key);
    if (!plan) {
      asio::post(strand_, [self, why = plan.error()] { self->failed(why); });
      return;
    }
    tools_.starter.launch(std::move(*plan), [self](result<launched> answer) {
      asio::post(self->strand_, [self, answer = std::move(answer)] {
        if (answer)
          self->started(*answer);
        else
          self->failed(answer.error());
      });
    });
  }

  // -- from any thread

  void cancel(errc why) override {
    asio::dispatch(strand_, [self = shared_from_this(), why] { self->kill(why); });
  }

  bool write_stdin(std::string bytes) override {
    if (!input_.push(std::move(bytes)))
      return false;
    go_on_writing();
    return true;
  }

  void close_stdin() override {
    input_.close();
    go_on_writing();
  }

  void signal(int number) override {
    asio::dispatch(strand_, [self = shared_from_this(), number] { self->signal_now(number); });
  }

  void resize(unsigned columns, unsigned rows) override {
    asio::dispatch(strand_, [self = shared_from_this(), columns, rows] {
      const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0,
                         0};
      auto& terminal = self->streams_[0].fd;
      if (self->terminal_ && terminal.is_open())
        ::ioctl(terminal.native_handle(), TIOCSWINSZ, &size);
    });
  }

  pid_t pid() const override { return pid_; }

  result<std::string> stored(shell_stream which, std::uint64_t off,
                             std::size_t len) const override {
    std::lock_guard lock{guard_};
    return streams_[static_cast<std::size_t>(which)].kept.stored(off, len);
  }

private:
  struct stream {
    stream(const asio::any_io_executor& on, std::size_t limit, const shell_defaults& defaults)
      : fd(on), kept(limit, defaults.spill_dir, defaults.max_spill) {}
    asio::posix::stream_descriptor fd;
    output_keeper kept;
    bool ended = true; ///< until it is opened
  };

  // -- start

  void failed(const error& why) {
    answer(command_outcome::failure(why));
    input_.end();
  }

  void started(const launched& child) {
    target_.pid = child.pid;
    target_.start_time = child.start_time;
    target_.cgroup = child.cgroup;
    bool good = open(streams_[0], child.output);
    good = open(streams_[1], child.errors) && good;
    if (child.input >= 0)
      input_.open(child.input, terminal_, shared_from_this());
    if (!good) {
      alive_.abandon(child);
      failed({errc::spawn_failed, "The output of a command cannot be watched."});
      return;
    }
    auto self = shared_from_this();
    const auto watched = alive_.begin(child, [self](exit_status how) { self->ended(how); });
    if (!watched) {
      failed(watched.error());
      return;
    }
    pid_ = child.pid;
    if (handlers_.on_started)
      handlers_.on_started(child.pid);
    for (auto which : {shell_stream::out, shell_stream::err})
      wait_for(which);
    if (why_ != errc::none) { // cancelled before it was there
      kill_tree();
    } else if (timeout_) {
      deadline_.expires_at(began_ + *timeout_);
      deadline_.async_wait([self](error_code stopped) {
        if (!stopped)
          self->kill(errc::timeout);
      });
    }
  }

  static bool open(stream& into, int fd) {
    if (fd < 0)
      return true;
    error_code failure;
    into.fd.assign(fd, failure);
    if (failure)
      ::close(fd);
    into.ended = static_cast<bool>(failure);
    return !failure;
  }

  // -- output

  void wait_for(shell_stream which) {
    auto& from = streams_[static_cast<std::size_t>(which)];
    if (from.ended)
      return;
    auto self = shared_from_this();
    from.fd.async_wait(asio::posix::descriptor_base::wait_read,
                       [self, which](error_code) { self->read(which); });
  }

  /// One buffer a thread serves all jobs: nothing stays in it.
  void read(shell_stream which) {
    static thread_local std::array<char, read_bytes> buffer;
    auto& from = streams_[static_cast<std::size_t>(which)];
    for (int i = 0; i < reads_in_a_row && from.fd.is_open(); ++i) {
      const auto n = ::read(from.fd.native_handle(), buffer.data(), buffer.size());
      if (n > 0) {
        take(which, {buffer.data(), static_cast<std::size_t>(n)});
        continue;
      }
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        break;
      error_code ignored; // the end; a terminal says it with EIO
      from.fd.close(ignored);
    }
    if (from.fd.is_open()) {
      wait_for(which);
      return;
    }
    from.ended = true;
    if (answered_ && outputs_ended())
      input_.end();
    maybe_finish();
  }

  void take(shell_stream which, std::string_view bytes) {
    std::uint64_t off = 0;
    {
      std::lock_guard lock{guard_};
      auto& kept = streams_[static_cast<std::size_t>(which)].kept;
      off = kept.total();
      kept.take(bytes);
    }
    if (handlers_.on_output)
      handlers_.on_output(which, off, std::string{bytes});
  }

  // -- input and signals

  void go_on_writing() {
    asio::dispatch(strand_, [self = shared_from_this()] { self->input_.go_on(self); });
  }

  void signal_now(int number) {
    const auto leader = alive_.pid();
    auto& terminal = streams_[0].fd;
    pid_t group = 0;
    if (terminal_ && terminal.is_open() && ::ioctl(terminal.native_handle(), TIOCGPGRP, &group) == 0
        && group > 0 && leader > 0) {
      // The terminal remembers a number; only where it is one of our session it is meant.
      const auto session = ::getsid(group);
      if (session == leader || (session < 0 && errno == ESRCH)) {
        ::kill(-group, number);
        return;
      }
    }
    alive_.signal(number, true);
  }

  // -- end

  void kill(errc why) {
    if (answered_ || status_ || why_ != errc::none)
      return; // it ended by itself, or is being killed
    why_ = why;
    if (pid_ != 0)
      kill_tree();
  }

  void kill_tree() {
    deadline_.cancel();
    sweeping_ = true;
    tools_.killer.kill(target_, kill_limit, [self = shared_from_this()](sweep_result found) {
      asio::post(self->strand_, [self, found] { self->swept(found); });
    });
  }

  void swept(sweep_result found) {
    sweeping_ = false;
    survivors_ = found.survivors;
    if (!status_)
      give_up_after(stuck_limit);
    maybe_finish();
  }

  void ended(exit_status how) {
    status_ = how;
    deadline_.cancel();
    if (!outputs_ended())
      give_up_after(drain_limit);
    maybe_finish();
  }

  bool outputs_ended() const { return streams_[0].ended && streams_[1].ended; }

  void give_up_after(milliseconds limit) {
    drain_.expires_after(limit);
    drain_.async_wait([self = shared_from_this()](error_code stopped) {
      if (stopped)
        return;
      self->waited_ = true;
      self->maybe_finish();
    });
  }

  void maybe_finish() {
    if (answered_ || sweeping_ || (why_ != errc::none && !survivors_))
      return;
    if (!waited_ && !(status_ && outputs_ended()))
      return;
    job_end end;
    end.why = why_;
    end.status = status_;
    end.survivors = survivors_;
    if (!outputs_ended())
      end.held_open_by = holders_of(open_names(), target_);
    end.out_of_memory = killed_for_memory();
    end.duration = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_);
    // Read on without telling: who holds an output must not die of writing to it.
    answer(report(end, streams_[0].kept.text(), streams_[1].kept.text()));
  }

  /// Its own group tells exactly, where the memory controller is on; ours only that it killed
  /// somebody of ours meanwhile.
  bool killed_for_memory() const {
    if (!looks_killed(status_))
      return false;
    const auto own
      = target_.cgroup.empty() ? std::nullopt : memory_kills(target_.cgroup + "/memory.events");
    if (own)
      return *own > 0;
    const auto now = memory_kills_ ? memory_kills(memory_events_) : std::nullopt;
    return now && *now > *memory_kills_;
  }

  std::vector<std::string> open_names() {
    std::vector<std::string> out;
    for (auto& each : streams_)
      if (!each.ended && !terminal_) // a terminal is hung up with its shell
        out.push_back(shown_name(each.fd.native_handle()));
    return out;
  }

  void answer(command_outcome what) {
    answered_ = true;
    drain_.cancel();
    deadline_.cancel();
    if (!terminal_ || outputs_ended())
      input_.end();
    auto handlers = std::exchange(handlers_, {}); // breaks cycles through captured owners
    if (handlers.on_done)
      handlers.on_done(std::move(what));
  }

  asio::any_io_executor strand_;
  shell_tools tools_;
  shell_handlers handlers_;
  std::optional<milliseconds> timeout_;
  bool terminal_;
  std::string memory_events_;
  std::optional<std::uint64_t> memory_kills_; ///< at the start
  steady_clock::time_point began_ = steady_clock::now();
  child_wait alive_;
  asio::steady_timer deadline_;
  asio::steady_timer drain_;
  job_input input_;
  process_target target_;
  std::atomic<pid_t> pid_{0};
  std::optional<exit_status> status_; ///< once the shell was reaped
  errc why_ = errc::none;             ///< of a kill
  std::optional<unsigned> survivors_; ///< of a kill that is over
  bool sweeping_ = false;
  bool waited_ = false; ///< long enough for what does not end
  bool answered_ = false;
  mutable std::mutex guard_; ///< for `kept` in the next, read from any thread
  std::array<stream, 2> streams_;
};

} // namespace

std::shared_ptr<shell_job> shell_job::start(shell_tools tools, asio::any_io_executor executor,
                                            shell_request what, const shell_defaults& defaults,
                                            shell_handlers handlers) {
  auto self = std::make_shared<running_job>(tools, std::move(executor), what, defaults,
                                            std::move(handlers));
  self->begin(std::move(what), defaults);
  return self;
}

} // namespace holt::shell
