// SPDX-License-Identifier: Apache-2.0

#include "transport/process_sweep.hpp"

#include "transport/cgroup.hpp"
#include "transport/process_table.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <poll.h>
#include <set>
#include <unistd.h>
#include <utility>
#include <vector>

namespace holt {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int settle_ms = 2; ///< from freezing to looking again, when something is not yet frozen
constexpr int max_passes = 200;
constexpr int max_execs
  = 5; ///< looks that wait for the end of an exec; some have no environment for good

/// A process that belongs to the tree, held by pidfd: the number cannot be reused under us.
struct member {
  std::uint64_t start_time = 0;
  int pidfd = -1;
  bool refused = false; ///< it may not be signalled
};

class sweep {
public:
  sweep(const process_target* target, sweep_deadline until, int clean_looks = 2)
    : target_(target), until_(until), clean_looks_(clean_looks) {}
  sweep(const sweep&) = delete;
  sweep& operator=(const sweep&) = delete;
  ~sweep() { forget_all(); }

  sweep_result run() {
    sweep_result out;
    int clean = 0;
    for (int pass = 0; pass < max_passes; ++pass) {
      freeze();
      out.survivors = static_cast<unsigned>(members_.size());
      if (members_.empty()) {
        if (unsure_ && execs_waited_for_ < max_execs && !late()) {
          ++execs_waited_for_;
          ::poll(nullptr, 0, std::min(settle_ms, left_ms()));
          continue;
        }
        // Twice: a process that changed its parent during the first look was not in the tree.
        if (++clean >= clean_looks_)
          break;
        continue;
      }
      clean = 0;
      if (late())
        break;
      out.killed += kill_all();
    }
    return out;
  }

private:
  bool late() const { return steady_clock::now() >= until_; }

  int left_ms() const {
    const auto left = duration_cast<milliseconds>(until_ - steady_clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 1000));
  }

  /// Adds members and stops them until a look finds nothing new and all of them stopped: from
  /// then on none can fork.
  void freeze() {
    for (int pass = 0; pass < max_passes; ++pass) {
      const auto table = read_process_table();
      bool news = false;
      bool moving = false;
      for (const auto& row : find_members(table)) {
        auto it = members_.find(row.pid);
        if (it == members_.end()) {
          news = hold(row) || news;
        } else if (row.state != 'T' && row.state != 't' && !it->second.refused) {
          moving = row.state != 'D' || moving; // asleep in the kernel: it cannot fork either
        }
      }
      forget_gone(table);
      if ((!news && !moving) || late())
        return;
      if (!news && pass > 1) // most have stopped by the second look
        ::poll(nullptr, 0, std::min(settle_ms, left_ms()));
    }
  }

  bool hold(const process_row& row) {
    member m;
    m.start_time = row.start_time;
    m.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, row.pid, 0));
    if (m.pidfd < 0 && errno == ESRCH)
      return false;
    // The number may have passed to another process between the look and the open.
    if (process_start_time(row.pid) != row.start_time) {
      if (m.pidfd >= 0)
        ::close(m.pidfd);
      return true;
    }
    m.refused = m.pidfd < 0 || !send(m, SIGSTOP);
    members_[row.pid] = m;
    return true;
  }

  static bool send(const member& m, int number) {
    return ::syscall(SYS_pidfd_send_signal, m.pidfd, number, nullptr, 0U) == 0 || errno == ESRCH;
  }

  unsigned kill_all() {
    unsigned killed = 0;
    for (auto& [pid, m] : members_)
      if (m.pidfd >= 0 && send(m, SIGKILL))
        ++killed;
    for (auto& [pid, m] : members_) {
      if (m.pidfd < 0 || m.refused)
        continue;
      pollfd gone{m.pidfd, POLLIN, 0};
      ::poll(&gone, 1, left_ms());
    }
    // Those that may not be signalled stay: do not spin on them.
    if (std::all_of(members_.begin(), members_.end(), [](auto& m) { return m.second.refused; }))
      ::poll(nullptr, 0, std::min(50, left_ms()));
    return killed;
  }

  void forget_gone(const process_table& table) {
    for (auto it = members_.begin(); it != members_.end();) {
      const auto row = table.find(it->first);
      const bool here = row != table.end() && row->second.start_time == it->second.start_time
                        && row->second.state != 'Z' && row->second.state != 'X';
      if (here) {
        ++it;
        continue;
      }
      if (it->second.pidfd >= 0)
        ::close(it->second.pidfd);
      it = members_.erase(it);
    }
  }

  void forget_all() {
    for (auto& [pid, m] : members_)
      if (m.pidfd >= 0)
        ::close(m.pidfd);
    members_.clear();
  }

  /// The living processes of the tree in `table`.
  std::vector<process_row> find_members(const process_table& table) {
    const auto own = ::getpid();
    const auto below = descendants(table, own);
    std::set<pid_t> in;
    if (!target_) {
      in = below;
    } else {
      const auto root = table.find(target_->pid);
      // While the session lives, the kernel does not give its number to another process.
      const bool foreign = root != table.end() && root->second.start_time != target_->start_time;
      if (!foreign)
        sessions_.insert(target_->pid);
      else
        sessions_.erase(target_->pid);
      const auto with_marker = marked(table, below);
      bool grown = true;
      while (grown) {
        grown = false;
        for (const auto pid : below) {
          if (in.count(pid) > 0)
            continue;
          const auto& row = table.at(pid);
          const bool ours = (pid == target_->pid && !foreign) || in.count(row.parent) > 0
                            || sessions_.count(row.session) > 0 || known(row)
                            || with_marker.count(pid) > 0;
          if (!ours)
            continue;
          in.insert(pid);
          if (row.session == pid)
            sessions_.insert(pid);
          grown = true;
        }
      }
    }
    std::vector<process_row> out;
    for (const auto pid : in)
      if (const auto& row = table.at(pid); row.state != 'Z' && row.state != 'X')
        out.push_back(row);
    return out;
  }

  bool known(const process_row& row) const {
    const auto it = members_.find(row.pid);
    return it != members_.end() && it->second.start_time == row.start_time;
  }

  /// Once a look: it opens a file for each descendant that is not held already.
  std::set<pid_t> marked(const process_table& table, const std::set<pid_t>& below) {
    std::set<pid_t> out;
    if (target_->key.empty())
      return out;
    const auto entry = "HOLT_CHILD=" + target_->key;
    unsure_ = false;
    for (const auto pid : below) {
      const auto& row = table.at(pid);
      if (row.state == 'Z' || known(row))
        continue;
      const auto has = environment_has(pid, entry);
      if (has.value_or(false))
        out.insert(pid);
      unsure_ = unsure_ || !has;
    }
    return out;
  }

  const process_target* target_; ///< null: every descendant
  sweep_deadline until_;
  bool unsure_ = false; ///< somebody showed no environment: it may be in the middle of an exec
  int execs_waited_for_ = 0;
  int clean_looks_; ///< that find nothing, one after the other, until it is believed
  std::map<pid_t, member> members_;
  std::set<pid_t> sessions_; ///< sessions that members lead or led
};

} // namespace

sweep_result sweep_tree(const process_target& target, sweep_deadline until) {
  if (target.cgroup.empty())
    return sweep{&target, until}.run();
  // Half of the time at most: what cannot be killed this way must still be looked for.
  const auto now = steady_clock::now();
  const auto killed = kill_cgroup(target.cgroup, now + (until - now) / 2);
  // A look costs 10 us for each process of the machine. What runs through the first one is killed
  // with its group all the same, if it was in it: one is enough where the group had them and is
  // empty now.
  const bool whole = killed > 0 && remove_cgroup(target.cgroup);
  auto out = sweep{&target, until, whole ? 1 : 2}.run();
  out.killed += killed;
  if (!whole)
    remove_cgroup(target.cgroup);
  return out;
}

sweep_result sweep_descendants(sweep_deadline until) {
  return sweep{nullptr, until}.run();
}

} // namespace holt
