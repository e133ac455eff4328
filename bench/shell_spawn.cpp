// SPDX-License-Identifier: Apache-2.0

// What a shell command costs from start to answer, beside a bare posix_spawn and wait of the same
// program in the same run, in turns. shell_spawn [COUNT]; prints median, least and 95th percentile
// in microseconds and the ratio of the medians (aim: at most 1.3).

#include "shell/shell_job.hpp"
#include "transport/reaper.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <spawn.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using namespace holt;
namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

double since(clock_type::time_point begin) {
  return std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
}

/// posix_spawn of `sh -c true` (vfork inside) with stdio on /dev/null, and waitpid.
double bare() {
  static const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  std::string shell = "/bin/sh";
  std::string flag = "-c";
  std::string cmd = "true";
  std::string path = "PATH=/usr/bin:/bin";
  char* argv[] = {shell.data(), flag.data(), cmd.data(), nullptr};
  char* env[] = {path.data(), nullptr};
  const auto begin = clock_type::now();
  posix_spawn_file_actions_t stdio;
  ::posix_spawn_file_actions_init(&stdio);
  for (int number = 0; number < 3; ++number)
    ::posix_spawn_file_actions_adddup2(&stdio, null_fd, number);
  pid_t pid = 0;
  if (::posix_spawn(&pid, "/bin/sh", &stdio, nullptr, argv, env) != 0)
    std::abort();
  ::posix_spawn_file_actions_destroy(&stdio);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return since(begin);
}

struct measure {
  std::vector<double> values;
  double at(double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  }
  void print(const char* name) {
    std::printf("%-34s median %7.0f  least %7.0f  p95 %7.0f us\n", name, at(0.5), at(0), at(0.95));
  }
};

/// Jobs one after the other, each started where the one before was answered: on an I/O thread.
class jobs {
public:
  explicit jobs(std::string cmd) : cmd_(std::move(cmd)) {
    defaults_.environment = [] {
      return std::map<std::string, std::string>{{"PATH", "/usr/bin:/bin"}};
    };
  }

  std::vector<double> run(asio::io_context& io, shell::shell_tools tools, std::size_t count) {
    times_.clear();
    asio::post(io, [&] { next(io, tools, count); });
    io.restart();
    while (times_.size() < count && io.run_one() > 0) {
    }
    return times_;
  }

private:
  void next(asio::io_context& io, shell::shell_tools tools, std::size_t count) {
    shell::shell_request what;
    what.cmd = cmd_;
    what.cwd = "/";
    what.timeout = std::chrono::seconds{10};
    const auto begin = clock_type::now();
    shell::shell_handlers handlers;
    handlers.on_done = [this, &io, tools, count, begin](const command_outcome& became) {
      if (!became.ok() || became.fields.value("exit_code", -1) != 0)
        std::abort();
      times_.push_back(since(begin));
      if (times_.size() < count)
        asio::post(io, [this, &io, tools, count] { next(io, tools, count); });
    };
    shell::shell_job::start(tools, io.get_executor(), std::move(what), defaults_,
                            std::move(handlers));
  }

  std::string cmd_;
  shell::shell_defaults defaults_;
  std::vector<double> times_;
};

void add(measure& into, const std::vector<double>& more) {
  into.values.insert(into.values.end(), more.begin(), more.end());
}

} // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  asio::io_context io;
  auto busy = asio::make_work_guard(io);
  spawner by;
  process_killer killer;
  const shell::shell_tools tools{by, killer};
  measure plain, quiet, loud;
  jobs silent{"true"};
  jobs saying{"echo hello; echo world >&2"};
  constexpr std::size_t in_turn = 20;
  silent.run(io, tools, in_turn); // first pages of heap and code
  {
    reaper orphans{io.get_executor(), by.children()};
    for (std::size_t done = 0; done < count; done += in_turn) {
      add(quiet, silent.run(io, tools, in_turn));
      add(loud, saying.run(io, tools, in_turn));
      // Not in the reaper's sight: it would take a child without an owner.
      std::lock_guard mine{by.children()->lock()};
      for (std::size_t i = 0; i < in_turn; ++i)
        plain.values.push_back(bare());
    }
  }
  plain.print("bare posix_spawn of sh -c true");
  quiet.print("shell job: true");
  loud.print("shell job: output on both streams");
  std::printf("ratio of medians %.2f (aim 1.30), of least values %.2f\n",
              quiet.at(0.5) / plain.at(0.5), quiet.at(0) / plain.at(0));
  return 0;
}
