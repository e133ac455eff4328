// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of shell jobs share: spawner, killer and reaper on one io_context, a workspace in
// a temporary folder, a job in one line and what was heard of it.

#include "shell/shell_job.hpp"
#include "transport/reaper.hpp"

#include "tests/transport/process_fixture.hpp"

#include <fstream>

namespace holt::test {

/// One job and what was heard of it.
struct heard_job {
  pid_t started = 0;
  std::string out;   ///< live, in order
  std::string err;   ///< live, in order
  bool gap = false;  ///< an offset did not follow
  bool late = false; ///< something came after the end
  std::optional<command_outcome> done;
  steady_clock::time_point done_at{};
  std::shared_ptr<shell::shell_job> handle;

  const nlohmann::json& fields() const { return done->fields; }
  std::string text(const char* name) const { return fields().value(name, std::string{"<none>"}); }
  int number(const char* name) const { return fields().value(name, -1); }
};

struct shell_jobs {
  boost::asio::io_context io;
  spawner by;
  process_killer killer;
  reaper orphans{io.get_executor(), by.children()};
  temp_dir dir;
  shell::shell_defaults defaults;

  shell_jobs() {
    ::signal(SIGPIPE, SIG_IGN); // as the daemon does
    defaults.environment = [] {
      return std::map<std::string, std::string>{{"PATH", standard_path}, {"LANG", "C.UTF-8"}};
    };
    defaults.spill_dir = dir.path.string();
  }

  shell::shell_request request(const std::string& cmd) const {
    shell::shell_request what;
    what.cmd = cmd;
    what.cwd = dir.path.string();
    what.timeout = milliseconds{60'000}; // a limit on a wait, also on a busy machine
    return what;
  }

  std::shared_ptr<heard_job> start(shell::shell_request what) {
    auto c = std::make_shared<heard_job>();
    shell::shell_handlers h;
    h.on_started = [c](pid_t pid) { c->started = pid; };
    h.on_output = [c](shell::shell_stream which, std::uint64_t off, std::string bytes) {
      auto& into = which == shell::shell_stream::out ? c->out : c->err;
      c->gap = c->gap || off != into.size();
      c->late = c->late || c->done.has_value();
      into += bytes;
    };
    h.on_done = [c](command_outcome what_became) {
      c->late = c->late || c->done.has_value();
      c->done = std::move(what_became);
      c->done_at = steady_clock::now();
    };
    c->handle = shell::shell_job::start({by, killer}, io.get_executor(), std::move(what), defaults,
                                        std::move(h));
    return c;
  }
  std::shared_ptr<heard_job> start(const std::string& cmd) { return start(request(cmd)); }

  std::shared_ptr<heard_job> finish(shell::shell_request what) {
    auto c = start(std::move(what));
    until([&] { return c->done.has_value(); }, milliseconds{90'000});
    if (!c->done)
      c->done = command_outcome::failure({errc::internal, "the test's limit passed"});
    return c;
  }
  std::shared_ptr<heard_job> finish(const std::string& cmd) { return finish(request(cmd)); }

  /// With a time limit that it does not keep. On a busy machine that may have passed before the
  /// command said anything: then once more with a longer one.
  std::shared_ptr<heard_job> finish_late(shell::shell_request what, milliseconds limit) {
    for (int tries = 1;; ++tries, limit *= 6) {
      what.timeout = limit;
      auto c = finish(what);
      if (!c->out.empty() || tries == 4)
        return c;
    }
  }

  bool until(const std::function<bool()>& done, milliseconds limit = milliseconds{20'000}) {
    return run_until(io, done, limit);
  }
};

inline std::size_t living_descendants() {
  std::size_t n = 0;
  const auto table = read_process_table();
  for (const auto pid : descendants(table, ::getpid()))
    n += table.at(pid).state == 'Z' ? 0 : 1;
  return n;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

} // namespace holt::test
