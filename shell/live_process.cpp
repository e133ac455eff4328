// SPDX-License-Identifier: Apache-2.0

#include "shell/live_process.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace holt::shell {
namespace {

const error not_running{errc::conflict, "the process is not running"};
/// A reader without a connection tries again for less.
constexpr std::chrono::seconds comes_back_within{60};

} // namespace

std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct live_process::waiter {
  explicit waiter(const boost::asio::any_io_executor& on) : timer{on} {}
  void call() {
    if (!done.exchange(true))
      std::exchange(then, {})();
  }
  boost::asio::steady_timer timer;
  std::function<void()> then;
  std::atomic<bool> done{false};
};

live_process::live_process(std::string id, process_request what, log_limits limits,
                           const std::string& spill_dir, boost::asio::any_io_executor executor)
  : id_{std::move(id)},
    what_{std::move(what)},
    created_ms_{wall_clock_ms()},
    executor_{std::move(executor)},
    log_{limits, spill_dir},
    columns_{what_.plan.columns},
    rows_{what_.plan.rows},
    patience_{executor_} {}

nlohmann::json live_process::document() const {
  nlohmann::json out{{"id", id_},
                     {"command", what_.command},
                     {"args", what_.args},
                     {"tty", what_.plan.terminal},
                     {"interactive", what_.interactive},
                     {"owner", what_.owner},
                     {"createdAtMs", created_ms_}};
  if (!what_.cwd.empty())
    out["cwd"] = what_.cwd;
  if (!what_.tags.empty())
    out["tags"] = what_.tags;
  std::lock_guard lock{mutex_};
  out["status"] = exited_ ? "exited" : "running";
  if (what_.plan.terminal) {
    out["cols"] = columns_;
    out["rows"] = rows_;
  }
  if (!exited_ && pid_ != 0)
    out["pid"] = pid_;
  if (exited_)
    out["exitedAtMs"] = exited_ms_;
  if (status_ && status_->code)
    out["exitCode"] = *status_->code;
  if (status_ && status_->signal)
    out["signal"] = *status_->signal;
  return out;
}

bool live_process::exited() const {
  std::lock_guard lock{mutex_};
  return exited_;
}

pid_t live_process::pid() const {
  std::lock_guard lock{mutex_};
  return pid_;
}

std::optional<int> live_process::exit_code() const {
  std::lock_guard lock{mutex_};
  return status_ ? status_->code : std::nullopt;
}

std::optional<int> live_process::exit_signal() const {
  std::lock_guard lock{mutex_};
  return status_ ? status_->signal : std::nullopt;
}

bool live_process::has_tag(std::string_view tag) const {
  return std::find(what_.tags.begin(), what_.tags.end(), tag) != what_.tags.end();
}

std::shared_ptr<process_job> live_process::running_job() const {
  std::lock_guard lock{mutex_};
  return exited_ ? nullptr : job_;
}

result<void> live_process::write(std::string bytes) {
  auto job = running_job();
  return job ? job->write(std::move(bytes)) : result<void>{not_running};
}

result<void> live_process::close_input() {
  auto job = running_job();
  if (!job)
    return not_running;
  job->close_input();
  return {};
}

result<void> live_process::signal(int number) {
  auto job = running_job();
  if (!job)
    return not_running;
  job->signal(number);
  return {};
}

result<void> live_process::resize(unsigned columns, unsigned rows) {
  if (!what_.plan.terminal)
    return error{errc::conflict, "the process has no terminal"};
  auto job = running_job();
  if (!job)
    return not_running;
  {
    std::lock_guard lock{mutex_};
    columns_ = columns;
    rows_ = rows;
  }
  job->resize(columns, rows);
  return {};
}

void live_process::kill(std::chrono::milliseconds limit, std::function<void()> done) {
  std::shared_ptr<process_job> job;
  {
    std::lock_guard lock{mutex_};
    job = job_;
  }
  if (!job)
    return done();
  auto one = std::make_shared<waiter>(executor_);
  one->then = std::move(done);
  one->timer.expires_after(limit);
  one->timer.async_wait([one](boost::system::error_code) { one->call(); });
  job->kill([one] {
    one->call();
    one->timer.cancel();
  });
}

void live_process::wait(std::chrono::milliseconds limit, std::function<void()> then) {
  {
    std::lock_guard lock{mutex_};
    if (!exited_ && limit.count() > 0) {
      auto one = std::make_shared<waiter>(executor_);
      one->then = std::move(then);
      one->timer.expires_after(limit);
      one->timer.async_wait([one](boost::system::error_code) { one->call(); });
      std::erase_if(waiters_, [](const auto& other) { return other->done.load(); });
      waiters_.push_back(std::move(one));
      return;
    }
  }
  then();
}

std::uint64_t live_process::follow(std::function<void()> wake) {
  std::lock_guard lock{mutex_};
  followers_.emplace(++last_follower_, std::move(wake));
  return last_follower_;
}

void live_process::unfollow(std::uint64_t number) {
  std::lock_guard lock{mutex_};
  followers_.erase(number);
}

std::uint64_t live_process::hold(std::uint64_t sequence) {
  std::lock_guard lock{mutex_};
  holders_.emplace(++last_holder_, sequence);
  if (const auto expected = std::exchange(expected_, 0); expected != 0) {
    holders_.erase(expected);
    patience_.cancel();
  }
  ease_locked();
  return last_holder_;
}

void live_process::taken(std::uint64_t number, std::uint64_t sequence) {
  std::lock_guard lock{mutex_};
  if (auto at = holders_.find(number); at != holders_.end())
    at->second = sequence;
  ease_locked();
}

void live_process::release(std::uint64_t number, bool comes_back) {
  std::lock_guard lock{mutex_};
  const auto at = holders_.find(number);
  if (at == holders_.end())
    return;
  const auto had = at->second;
  holders_.erase(at);
  if (comes_back && holders_.empty())
    expect_locked(had);
  ease_locked();
}

std::string live_process::key() const {
  std::lock_guard lock{mutex_};
  return job_ ? job_->key() : std::string{};
}

void live_process::expect_reader() {
  std::lock_guard lock{mutex_};
  expect_locked(0);
}

void live_process::expect_locked(std::uint64_t sequence) {
  expected_ = ++last_holder_;
  holders_.emplace(expected_, sequence);
  patience_.expires_after(comes_back_within);
  patience_.async_wait(
    [weak = weak_from_this(), number = expected_](boost::system::error_code stopped) {
      if (auto self = stopped ? nullptr : weak.lock())
        self->release(number, false);
    });
}

bool live_process::presses_locked() const {
  return std::any_of(holders_.begin(), holders_.end(),
                     [this](const auto& one) { return log_.presses(one.second); });
}

void live_process::ease_locked() {
  if (!held_ || presses_locked())
    return;
  held_ = false;
  if (job_)
    job_->hold_output(false);
}

void live_process::set_job(std::shared_ptr<process_job> job) {
  std::lock_guard lock{mutex_};
  job_ = std::move(job);
}

void live_process::started(pid_t pid) {
  std::lock_guard lock{mutex_};
  pid_ = pid;
}

void live_process::printed(output_stream stream, std::string_view bytes) {
  log_.append(stream, bytes, wall_clock_ms());
  {
    std::lock_guard lock{mutex_};
    if (!held_ && job_ && !holders_.empty() && presses_locked()) {
      held_ = true;
      job_->hold_output(true); // at once: we are on its strand
    }
  }
  wake_followers();
}

void live_process::ended(const process_end& how) {
  std::vector<std::shared_ptr<waiter>> waiting;
  {
    std::lock_guard lock{mutex_};
    exited_ = true;
    exited_ms_ = std::max(wall_clock_ms(), created_ms_);
    status_ = how.status;
    waiting.swap(waiters_);
    for (auto& one : waiting)
      one->timer.cancel(); // its handler calls, when we have not yet
  }
  for (auto& one : waiting)
    one->call();
  wake_followers();
}

void live_process::wake_followers() {
  std::lock_guard lock{mutex_};
  for (auto& [number, wake] : followers_)
    wake();
}

} // namespace holt::shell
