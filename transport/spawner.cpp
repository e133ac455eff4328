// SPDX-License-Identifier: Apache-2.0

#include "transport/spawner.hpp"

#include "transport/process_sweep.hpp"
#include "transport/secret.hpp"
#include "transport/spawner_exec.hpp"
#include "transport/spawner_stdio.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace holt {
namespace {

using std::chrono::milliseconds;

std::string reason(int number) {
  return std::system_category().message(number);
}

/// A fork stands still until the child has executed; on a busy machine both wait for their turn at
/// the processor, and the next start must not wait with them.
constexpr int launch_threads = 4;

/// For so long a program is tried that somebody has open for writing. Whoever closed it just now is
/// waited for: a start on another thread has copies of our descriptors until its child has
/// executed.
constexpr milliseconds busy_limit{100};

/// Read before main(): the daemon raises its own limit later.
const rlimit original_open_files = [] {
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  return now;
}();

void close_fd(int& fd) noexcept {
  if (fd >= 0)
    ::close(std::exchange(fd, -1));
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (auto& s : strings)
    out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

error describe(const detail::exec_failure& failure, const std::string& program,
               const std::string& cwd) {
  const int number = failure.number;
  switch (failure.stage) {
  case detail::exec_stage::folder:
    return {number == ENOENT    ? errc::not_found
            : number == ENOTDIR ? errc::not_directory
            : number == EACCES  ? errc::denied
                                : errc::spawn_failed,
            "Cannot enter the folder '" + cwd + "': " + reason(number) + "."};
  case detail::exec_stage::execute:
    if (number == ENOENT || number == ENOTDIR)
      return {errc::dependency_missing, "The program '" + program + "' is not installed."};
    return {errc::spawn_failed, "Cannot execute '" + program + "': " + reason(number) + "."};
  case detail::exec_stage::user:
    return {errc::spawn_failed,
            "Cannot become the user of '" + program + "': " + reason(number) + "."};
  default: return {errc::spawn_failed, "Cannot start '" + program + "': " + reason(number) + "."};
  }
}

} // namespace

/// What one fork gave.
struct spawner::attempt {
  pid_t pid = -1;
  int pidfd = -1;
  int fork_errno = 0;
  detail::exec_failure failure; ///< of the child; 0: it has executed

  bool busy() const {
    return pid > 0 && failure.number == ETXTBSY && failure.stage == detail::exec_stage::execute;
  }
};

result<std::string> find_program(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos)
    return name;
  bool refused = false;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const auto candidate = path.substr(at, end - at) + "/" + name;
    at = end + 1;
    struct stat what {};
    // An empty or relative entry means the current folder: never for a daemon.
    if (candidate.front() != '/' || candidate == "/" + name || ::stat(candidate.c_str(), &what) != 0
        || !S_ISREG(what.st_mode))
      continue;
    if (::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    refused = true;
  }
  if (refused)
    return error{errc::spawn_failed, "The program '" + name + "' may not be executed."};
  return error{errc::dependency_missing,
               "The program '" + name + "' is not installed (looked in " + path + ")."};
}

result<launch_plan> launch_plan::make(const process_spec& spec, std::string_view key) {
  if (spec.argv.empty() || spec.argv.front().empty())
    return error{errc::spawn_failed, "A child without a program."};
  launch_plan plan;
  const auto own_path = spec.env.find("PATH");
  auto found = find_program(spec.argv.front(), !spec.path.empty()           ? spec.path
                                               : own_path != spec.env.end() ? own_path->second
                                                                            : "/usr/bin:/bin");
  if (!found)
    return found.error();
  plan.program_ = *found;
  plan.argv_ = spec.argv;
  for (const auto& [name, value] : spec.env)
    if (name != "HOLT_CHILD") // of an outer daemon
      plan.env_.push_back(name + "=" + value);
  plan.env_.push_back("HOLT_CHILD=" + std::string(key));
  for (const auto& text : plan.argv_)
    if (text.find('\0') != std::string::npos)
      return error{errc::spawn_failed, "An argument holds a NUL."};
  for (const auto& text : plan.env_)
    if (text.find('\0') != std::string::npos || text.front() == '=')
      return error{errc::spawn_failed, "An environment variable is not one."};
  plan.cwd_ = spec.cwd;
  plan.max_open_files_ = spec.max_open_files;
  plan.stdio_ = spec.stdio;
  plan.input_ = spec.input;
  plan.columns_ = spec.columns;
  plan.rows_ = spec.rows;
  plan.user_ = spec.user;
  // Copies above every child number: no dup2 of the child can hit a source that is still needed.
  const int above
    = spec.descriptors.empty() ? 3 : std::max(3, spec.descriptors.rbegin()->first + 1);
  for (const auto& [number, source] : spec.descriptors) {
    if (number < 3)
      return error{errc::spawn_failed, "Descriptors 0, 1 and 2 are stdio."};
    const int copy = ::fcntl(source, F_DUPFD_CLOEXEC, above);
    if (copy < 0)
      return error{errc::spawn_failed, "Cannot pass a descriptor: " + reason(errno) + "."};
    plan.fds_.emplace_back(number, copy);
  }
  return plan;
}

launch_plan::~launch_plan() {
  for (auto& [number, copy] : fds_)
    close_fd(copy);
}

spawner::spawner() : children_(std::make_shared<child_table>()) {
  // Orphans of our children come to us, not to init: see `reaper` and `process_sweep`.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  boot_ = random_hex(8);
  for (int i = 0; i < launch_threads; ++i)
    threads_.emplace_back([this] { run(); });
}

spawner::~spawner() {
  {
    std::lock_guard lock{mutex_};
    stop_ = true;
  }
  wake_.notify_all();
  for (auto& each : threads_)
    each.join();
}

std::string spawner::new_key() {
  std::lock_guard lock{mutex_};
  return boot_ + "-" + std::to_string(++keys_);
}

void spawner::launch(launch_plan plan, started done) {
  {
    std::lock_guard lock{mutex_};
    jobs_.push_back(job{std::move(plan), std::move(done)});
  }
  wake_.notify_one();
}

void spawner::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr); // signals are for the I/O threads
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (stop_)
      break;
    auto next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    next.done(launch_now(next.plan));
    {
      std::lock_guard one{groups_mutex_};
      groups_.prepare();
    }
    lock.lock();
  }
  auto left = std::move(jobs_);
  lock.unlock();
  for (auto& each : left)
    each.done(error{errc::shutting_down, "No child is started any more."});
}

result<launched> spawner::launch_now(launch_plan& plan) {
  launched out;
  detail::stdio_wish wish;
  wish.layout = plan.stdio_;
  wish.input = plan.input_;
  wish.columns = plan.columns_;
  wish.rows = plan.rows_;
  wish.owner = plan.user_ ? &*plan.user_ : nullptr;
  // dup2 onto a child number must not hit stdio's sources.
  wish.above = plan.fds_.empty() ? 3 : plan.fds_.back().first + 1;
  detail::stdio_ends ends;
  if (const int number = detail::open_stdio(wish, ends); number != 0)
    return error{errc::spawn_failed, "No descriptor for a child: " + reason(number) + "."};
  const auto argv = pointers(plan.argv_);
  const auto env = pointers(plan.env_);
  detail::exec_request what;
  what.program = plan.program_.c_str();
  what.argv = argv.data();
  what.env = env.data();
  what.cwd = plan.cwd_.c_str();
  std::copy(ends.child.begin(), ends.child.end(), what.stdio);
  what.terminal = plan.stdio_ == stdio_layout::terminal;
  what.fds = plan.fds_.data();
  what.fd_count = plan.fds_.size();
  what.open_files = original_open_files;
  if (plan.max_open_files_ > 0) {
    const auto most = std::min<rlim_t>(plan.max_open_files_, original_open_files.rlim_max);
    what.open_files = rlimit{most, most};
  }
  if (plan.user_) {
    what.switch_user = true;
    what.uid = plan.user_->uid;
    what.gid = plan.user_->gid;
    what.groups = plan.user_->groups.data();
    what.group_count = plan.user_->groups.size();
  }
  what.parent = ::getpid();
  std::optional<cgroup_home::seat> group;
  {
    std::lock_guard one{groups_mutex_};
    group = groups_.make();
  }
  if (group) {
    what.cgroup_fd = group->procs;
    what.cgroup_folder = ::open(group->path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  auto got = try_once(what);
  for (milliseconds wait{1}; got.busy() && wait < busy_limit; wait *= 2) {
    std::this_thread::sleep_for(wait);
    got = try_once(what);
  }
  if (group) {
    std::lock_guard one{groups_mutex_};
    groups_.settle(*group);
    close_fd(group->procs);
    close_fd(what.cgroup_folder);
    if (got.failure.in_cgroup)
      out.cgroup = std::move(group->path);
  }
  if (got.pid < 0)
    return error{errc::spawn_failed, "Cannot fork: " + reason(got.fork_errno) + "."};
  if (got.failure.number != 0)
    return describe(got.failure, plan.program_, plan.cwd_);
  out.pid = got.pid;
  out.pidfd = got.pidfd;
  out.output = std::exchange(ends.output, -1);
  out.errors = std::exchange(ends.errors, -1);
  out.input = std::exchange(ends.input, -1);
  out.start_time = process_start_time(out.pid);
  return out;
}

spawner::attempt spawner::try_once(const detail::exec_request& what) {
  attempt out;
  if (what.switch_user)
    user_begins();
  const auto start = children_->begin();
  out.pid = detail::vfork_and_exec(what, out.failure);
  out.fork_errno = errno;
  if (out.pid > 0 && out.failure.number == 0)
    out.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, out.pid, 0));
  if (out.pid > 0 && out.pidfd < 0) {
    const int number = errno;
    if (out.failure.number == 0) { // no pidfd: an old kernel, or no descriptor left
      ::kill(out.pid, SIGKILL);
      out.failure.number = number;
      out.failure.stage = detail::exec_stage::session;
    }
    while (::waitpid(out.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  children_->end(start, out.pid, out.pidfd >= 0);
  if (what.switch_user)
    user_ended();
  return out;
}

// The child's change of user falls on the memory that it shares with us: the kernel then takes us
// for one whose memory nobody may read.

void spawner::user_begins() {
  std::lock_guard lock{users_mutex_};
  if (users_++ == 0)
    was_dumpable_ = ::prctl(PR_GET_DUMPABLE) == 1;
}

void spawner::user_ended() {
  std::lock_guard lock{users_mutex_};
  if (--users_ == 0 && was_dumpable_)
    ::prctl(PR_SET_DUMPABLE, 1);
}

} // namespace holt
