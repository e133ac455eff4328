// SPDX-License-Identifier: Apache-2.0

#include "transport/process.hpp"

#include "transport/child_output.hpp"
#include "transport/child_wait.hpp"
#include "transport/log_file.hpp"
#include "transport/output_ring.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <mutex>
#include <optional>
#include <utility>

namespace holt {
namespace asio = boost::asio;
namespace {

/// From its end to on_exit, while something else holds its output.
constexpr std::chrono::milliseconds drain_limit{200};
constexpr std::uint64_t log_max_bytes = 5 * 1024 * 1024;
constexpr unsigned log_keep = 2;

using boost::system::error_code;

class running_process final : public process, public std::enable_shared_from_this<running_process> {
public:
  running_process(asio::any_io_executor executor, process_handlers handlers,
                  std::shared_ptr<child_table> children, std::string key)
    : strand_(asio::make_strand(std::move(executor))),
      handlers_(std::move(handlers)),
      alive_(strand_, std::move(children)),
      output_(
        strand_, [this](std::string_view bytes) { take(bytes); }, [this] { maybe_finish(); }),
      drain_(strand_) {
    target_.key = std::move(key);
  }

  void begin(spawner& by, const process_spec& spec) {
    if (!spec.log_file.empty()) {
      log_ = std::make_unique<log_file>(spec.log_file, log_max_bytes, log_keep);
      if (!log_->open())
        log_.reset(); // the ring has the lines all the same
    }
    auto self = shared_from_this();
    auto plan = spec.stdio == stdio_layout::merged
                  ? launch_plan::make(spec, target_.key)
                  : error{errc::spawn_failed, "Lines are read of one stream only."};
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
      self->alive_.signal(number, group);
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
      target_.cgroup = child.cgroup;
    }
    auto self = shared_from_this();
    if (auto opened = output_.open(child.output); !opened) {
      alive_.abandon(child);
      failed(opened.error());
      return;
    }
    const auto watched = alive_.begin(child, [self](exit_status status) { self->ended(status); });
    if (!watched) {
      failed(watched.error());
      return;
    }
    if (handlers_.on_started)
      handlers_.on_started(child.pid);
    output_.read(self);
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

  void ended(exit_status status) {
    status_ = status;
    if (output_.is_open())
      drain();
    else
      maybe_finish();
  }

  /// What it printed itself is read, also by a daemon that comes late; what others that hold the
  /// pipe print on is not waited for.
  void drain() {
    drain_.expires_after(drain_limit);
    drain_.async_wait([self = shared_from_this()](error_code stopped) {
      if (stopped)
        return;
      self->output_.read_rest();
      self->output_.close();
      self->maybe_finish();
    });
  }

  void maybe_finish() {
    if (!status_ || output_.is_open() || finished_)
      return;
    finished_ = true;
    drain_.cancel();
    splitter_.finish([this](std::string line) { keep(std::move(line)); });
    log_.reset();
    auto handlers = std::exchange(handlers_, {}); // breaks cycles through captured owners
    if (handlers.on_exit)
      handlers.on_exit(*status_);
  }

  asio::strand<asio::any_io_executor> strand_;
  process_handlers handlers_;
  child_wait alive_;
  child_output output_;
  asio::steady_timer drain_;
  line_splitter splitter_;
  std::unique_ptr<log_file> log_;
  std::optional<exit_status> status_;
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
