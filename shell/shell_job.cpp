// SPDX-License-Identifier: Apache-2.0

#include "shell/shell_job.hpp"

#include "shell/job_input.hpp"
#include "shell/job_plan.hpp"
#include "shell/job_report.hpp"
#include "shell/job_surroundings.hpp"
#include "shell/job_terminal.hpp"
#include "shell/output_keeper.hpp"
#include "transport/child_output.hpp"
#include "transport/child_wait.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <array>
#include <atomic>
#include <mutex>
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
      kept_{{{what.max_output, defaults.spill_dir, defaults.max_spill},
             {what.pty ? 0 : what.max_output, defaults.spill_dir, defaults.max_spill}}},
      outputs_{{{strand_, hears(shell_stream::out), [this] { output_ended(); }, reads_in_a_row},
                {strand_, hears(shell_stream::err), [this] { output_ended(); }, reads_in_a_row}}} {
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
      auto& terminal = self->outputs_[0];
      if (self->terminal_ && terminal.is_open())
        resize_terminal(terminal.native_handle(), columns, rows);
    });
  }

  pid_t pid() const override { return pid_; }

  result<std::string> stored(shell_stream which, std::uint64_t off,
                             std::size_t len) const override {
    std::lock_guard lock{guard_};
    return kept_[static_cast<std::size_t>(which)].stored(off, len);
  }

private:
  // -- start

  void failed(const error& why) {
    answer(command_outcome::failure(why));
    input_.end();
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
    for (auto& each : outputs_)
      each.read(self);
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

  // -- output

  std::function<void(std::string_view)> hears(shell_stream which) {
    return [this, which](std::string_view bytes) { take(which, bytes); };
  }

  void take(shell_stream which, std::string_view bytes) {
    std::uint64_t off = 0;
    {
      std::lock_guard lock{guard_};
      auto& kept = kept_[static_cast<std::size_t>(which)];
      off = kept.total();
      kept.take(bytes);
    }
    if (handlers_.on_output)
      handlers_.on_output(which, off, std::string{bytes});
  }

  void output_ended() {
    if (answered_ && outputs_ended())
      input_.end();
    maybe_finish();
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

  bool outputs_ended() const { return !outputs_[0].is_open() && !outputs_[1].is_open(); }

  void give_up_after(milliseconds limit) {
    drain_.expires_after(limit);
    drain_.async_wait([self = shared_from_this()](error_code stopped) {
      if (stopped)
        return;
      for (auto& each : self->outputs_)
        each.read_rest();
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
    answer(report(end, kept_[0].text(), kept_[1].text()));
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
    for (auto& each : outputs_)
      if (each.is_open() && !terminal_) // a terminal is hung up with its shell
        out.push_back(shown_name(each.native_handle()));
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
  mutable std::mutex guard_; ///< for the next, read from any thread
  std::array<output_keeper, 2> kept_;
  std::array<child_output, 2> outputs_;
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
