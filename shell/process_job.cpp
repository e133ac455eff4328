// SPDX-License-Identifier: Apache-2.0

#include "shell/process_job.hpp"

#include "shell/job_input.hpp"
#include "shell/job_plan.hpp"
#include "shell/job_terminal.hpp"
#include "transport/child_output.hpp"
#include "transport/child_wait.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <csignal>
#include <cstdint>
#include <utility>

namespace holt::shell {
namespace asio = boost::asio;
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// From its end to on_ended, while something else holds an output.
constexpr milliseconds drain_limit{100};
constexpr milliseconds kill_limit{2000};
/// From the end of a kill to on_ended, when it does not go (stuck in the kernel).
constexpr milliseconds stuck_limit{500};

class running final : public process_job, public std::enable_shared_from_this<running> {
public:
  running(shell_tools tools, asio::any_io_executor strand, const process_plan& what,
          process_hooks hooks)
    : strand_(std::move(strand)),
      tools_(tools),
      hooks_(std::move(hooks)),
      timeout_(what.timeout),
      terminal_(what.terminal),
      alive_(strand_, tools.starter.children()),
      deadline_(strand_),
      drain_(strand_),
      input_(strand_),
      outputs_{{{strand_, hears(terminal_ ? output_stream::terminal : output_stream::out),
                 [this] { output_ended(); }},
                {strand_, hears(output_stream::err), [this] { output_ended(); }}}} {
    target_.key = tools.starter.new_key();
    if (!what.input)
      input_.close();
  }

  void begin(const process_plan& what, const shell_defaults& defaults) {
    auto self = shared_from_this();
    auto plan = make(what, defaults);
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

  void kill(std::function<void()> done) override {
    asio::dispatch(strand_, [self = shared_from_this(), done = std::move(done)]() mutable {
      self->kill_now(std::move(done));
    });
  }

  void signal(int number) override {
    asio::dispatch(strand_, [self = shared_from_this(), number] { self->signal_now(number); });
  }

  result<void> write(std::string bytes) override {
    if (input_.closed())
      return error{errc::conflict, "its stdin is closed"};
    if (!input_.push(std::move(bytes)))
      return error{errc::busy, "it does not read: 1 MiB of input is waiting"};
    go_on_writing();
    return {};
  }

  void close_input() override {
    input_.close();
    go_on_writing();
  }

  void resize(unsigned columns, unsigned rows) override {
    asio::dispatch(strand_, [self = shared_from_this(), columns, rows] {
      auto& terminal = self->outputs_[0];
      if (self->terminal_ && terminal.is_open())
        resize_terminal(terminal.native_handle(), columns, rows);
    });
  }

  void hold_output(bool held) override {
    asio::dispatch(strand_, [self = shared_from_this(), held] {
      if (held && !self->killed_)
        self->hold();
      else if (!held)
        self->let_go();
    });
  }

  const std::string& key() const noexcept override { return target_.key; }

private:
  result<launch_plan> make(const process_plan& what, const shell_defaults& defaults) const {
    auto spec = make_surroundings(defaults, what.env, what.terminal);
    if (!spec)
      return spec.error();
    spec->argv = what.argv;
    spec->cwd = what.cwd;
    spec->stdio = what.terminal ? stdio_layout::terminal : stdio_layout::separate;
    spec->input = what.input;
    spec->columns = static_cast<std::uint16_t>(what.columns);
    spec->rows = static_cast<std::uint16_t>(what.rows);
    return launch_plan::make(*spec, target_.key);
  }

  // -- start

  void failed(const error& why) {
    ended_ = true;
    input_.end();
    auto hooks = std::exchange(hooks_, {});
    auto waiting = std::exchange(kills_, {});
    if (hooks.on_started)
      hooks.on_started(why);
    for (auto& done : waiting)
      done();
  }

  void started(const launched& child) {
    target_.pid = child.pid;
    target_.start_time = child.start_time;
    target_.cgroup = child.cgroup;
    const auto output = outputs_[0].open(child.output);
    const auto errors = outputs_[1].open(child.errors);
    if (child.input >= 0)
      input_.open(child.input, terminal_, shared_from_this());
    if (!output || !errors) {
      alive_.abandon(child);
      failed({errc::spawn_failed, "The output of a process cannot be watched."});
      return;
    }
    auto self = shared_from_this();
    const auto watched = alive_.begin(child, [self](exit_status how) { self->reaped(how); });
    if (!watched) {
      failed(watched.error());
      return;
    }
    running_ = true;
    if (hooks_.on_started)
      hooks_.on_started(child.pid);
    for (auto& each : outputs_)
      each.read(self);
    if (!kills_.empty()) { // asked for before it was there
      sweep();
    } else if (timeout_) {
      deadline_.expires_at(began_ + *timeout_);
      deadline_.async_wait([self](error_code stopped) {
        if (stopped || self->ended_)
          return;
        self->timed_out_ = true;
        self->kill_now([] {});
      });
    }
  }

  // -- output

  std::function<void(std::string_view)> hears(output_stream which) {
    return [this, which](std::string_view bytes) {
      if (hooks_.on_output)
        hooks_.on_output(which, bytes);
    };
  }

  void output_ended() {
    if (ended_ && outputs_ended())
      close_all();
    maybe_end();
  }

  void hold() {
    held_ = true;
    for (auto& each : outputs_)
      each.hold();
  }

  void let_go() {
    if (!std::exchange(held_, false))
      return;
    for (auto& each : outputs_)
      each.let_go(shared_from_this());
    if (status_ && !ended_ && !outputs_ended())
      give_up_after(drain_limit);
  }

  // -- input and signals

  void go_on_writing() {
    asio::dispatch(strand_, [self = shared_from_this()] { self->input_.go_on(self); });
  }

  void signal_now(int number) {
    signal_job(terminal_ && outputs_[0].is_open() ? outputs_[0].native_handle() : -1, alive_,
               number);
  }

  // -- end

  void kill_now(std::function<void()> done) {
    if (ended_ && !target_.pid) { // it never started
      done();
      return;
    }
    kills_.push_back(std::move(done));
    killed_ = true; // nobody waits for what it still says
    let_go();
    if (running_ && !sweeping_)
      sweep();
  }

  void sweep() {
    sweeping_ = true;
    deadline_.cancel();
    // Where a cgroup holds them all, their parents need not live to find them: end them now.
    if (!target_.cgroup.empty())
      alive_.signal(SIGKILL, true);
    tools_.killer.kill(target_, kill_limit, [self = shared_from_this()](const sweep_result&) {
      asio::post(self->strand_, [self] { self->swept(); });
    });
  }

  void swept() {
    sweeping_ = false;
    if (!status_)
      give_up_after(stuck_limit);
    maybe_end();
    answer_kills();
  }

  void answer_kills() {
    if (!ended_ || sweeping_)
      return;
    auto waiting = std::exchange(kills_, {});
    for (auto& done : waiting)
      done();
  }

  void reaped(exit_status how) {
    status_ = how;
    deadline_.cancel();
    duration_ = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_);
    if (!outputs_ended() && !held_)
      give_up_after(drain_limit);
    maybe_end();
  }

  bool outputs_ended() const { return !outputs_[0].is_open() && !outputs_[1].is_open(); }

  void give_up_after(milliseconds limit) {
    drain_.expires_after(limit);
    drain_.async_wait([self = shared_from_this()](error_code stopped) {
      if (stopped)
        return;
      for (auto& each : self->outputs_)
        each.read_rest();
      if (self->held_) // by who hears of it; let_go() begins anew
        return;
      self->waited_ = true;
      self->maybe_end();
    });
  }

  void maybe_end() {
    // Someone who waits for a kill waits for the tree, not for its leader.
    if (ended_ || (sweeping_ && !status_))
      return;
    const bool over = status_ && outputs_ended();
    if (!over && !waited_)
      return;
    if (timed_out_ && sweeping_)
      return; // the tree is part of the answer
    ended_ = true;
    drain_.cancel();
    deadline_.cancel();
    process_end end;
    end.status = status_;
    end.timed_out = timed_out_;
    end.duration = status_ ? duration_
                           : std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_);
    if (!terminal_ || outputs_ended())
      input_.end();
    if (auto tell = std::exchange(hooks_.on_ended, {}))
      tell(end);
    if (outputs_ended())
      close_all();
    answer_kills();
  }

  /// Nothing comes any more: lets go of whoever listened.
  void close_all() {
    input_.end();
    hooks_ = {};
  }

  asio::any_io_executor strand_;
  shell_tools tools_;
  process_hooks hooks_;
  std::optional<milliseconds> timeout_;
  bool terminal_;
  steady_clock::time_point began_ = steady_clock::now();
  child_wait alive_;
  asio::steady_timer deadline_;
  asio::steady_timer drain_;
  job_input input_;
  std::array<child_output, 2> outputs_;
  process_target target_;
  std::optional<exit_status> status_; ///< once it was reaped
  milliseconds duration_{};
  std::vector<std::function<void()>> kills_; ///< who waits for the tree's end
  bool held_ = false;                        ///< its output is not read
  bool killed_ = false;                      ///< asked for: nothing holds it any more
  bool running_ = false;                     ///< it was started
  bool sweeping_ = false;
  bool waited_ = false; ///< long enough for what does not end
  bool timed_out_ = false;
  bool ended_ = false; ///< on_ended was called, or it never started
};

} // namespace

std::shared_ptr<process_job> process_job::start(shell_tools tools, asio::any_io_executor strand,
                                                const process_plan& what,
                                                const shell_defaults& defaults,
                                                process_hooks hooks) {
  auto self = std::make_shared<running>(tools, std::move(strand), what, std::move(hooks));
  self->begin(what, defaults);
  return self;
}

} // namespace holt::shell
