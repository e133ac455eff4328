// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE job_report

#include "shell/job_report.hpp"

#include "shell/job_surroundings.hpp"

#include "check.hpp"
#include "tests/shell/shell_fixture.hpp"

#include <caf/all.hpp>

#include <iostream>
#include <sys/resource.h>

using namespace holt;
using namespace holt::shell;
using namespace holt::test;

namespace {

kept_text text(std::string bytes) {
  kept_text out;
  out.total = bytes.size();
  out.bytes = std::move(bytes);
  return out;
}

} // namespace

CAF_TEST(every end is told apart) {
  job_end end;
  end.status = exit_status{3, {}};
  end.duration = milliseconds{12};
  CAF_CHECK_EQUAL(report(end, text("a"), text("")).fields.dump(),
                  R"({"duration_ms":12,"exit_code":3,"stderr":"","stdout":"a"})");
  end.status = exit_status{{}, SIGTERM};
  CAF_CHECK_EQUAL(report(end, text("a"), text("")).fields.dump(),
                  R"({"duration_ms":12,"exit_code":143,"signal":15,"stderr":"","stdout":"a"})");
  end.held_open_by = {7, 8};
  CAF_CHECK_EQUAL(report(end, text(""), text("")).fields.at("held_open_by").dump(), "[7,8]");
  end.held_open_by.clear();
  end.status = exit_status{{}, SIGKILL};
  end.survivors = 1;
  for (const auto why : {errc::timeout, errc::cancelled, errc::shutting_down}) {
    end.why = why;
    const auto out = report(end, text("so far"), text(""));
    CAF_CHECK(out.code == why);
    CAF_CHECK(!out.detail.empty());
    CAF_CHECK_EQUAL(out.fields.dump(),
                    R"({"duration_ms":12,"stderr":"","stdout":"so far","survivors":1})");
  }
}

CAF_TEST(what is missing is told with totals of both streams) {
  job_end end;
  end.status = exit_status{0, {}};
  const auto out = report(end, {"headtail", true, 4, 1000}, text("e"));
  CAF_CHECK_EQUAL(out.fields.at("stdout_bytes").get<int>(), 1000);
  CAF_CHECK_EQUAL(out.fields.at("stdout_cut").get<int>(), 4);
  CAF_CHECK_EQUAL(out.fields.at("stderr_bytes").get<int>(), 1);
  CAF_CHECK(!out.fields.contains("stderr_cut"));
  CAF_CHECK(out.fields.at("truncated").get<bool>());
}

CAF_TEST(a kill for memory is told where the kernel counted one) {
  shell_jobs s;
  const auto file = (s.dir.path / "memory.events").string();
  const auto count = [&](int n) {
    std::ofstream(file) << "low 0\nhigh 0\nmax 12\noom 1\noom_kill " << n << "\noom_group_kill 0\n";
  };
  count(4);
  CAF_CHECK(memory_kills(file) == 4u);
  CAF_CHECK(!memory_kills(s.dir.path.string() + "/none"));
  CAF_CHECK(!memory_kills(""));
  s.defaults.memory_events = file;
  // Killed without the kernel's doing, and the kernel's kill of another: not claimed.
  CAF_CHECK(!s.finish("kill -9 $$")->fields().contains("code"));
  CAF_CHECK(!s.finish("echo 'oom_kill 5' > memory.events; exit 1")->fields().contains("code"));
  count(6);
  auto c = s.finish("echo 'oom_kill 7' > memory.events; kill -9 $$");
  CAF_CHECK(c->done->ok());
  CAF_CHECK_EQUAL(c->text("code"), "out_of_memory");
  CAF_CHECK_EQUAL(c->number("signal"), SIGKILL);
  count(8);
  auto d = s.finish("sh -c \"echo 'oom_kill 9' > memory.events; kill -9 \\$\\$\"");
  CAF_CHECK_EQUAL(d->text("code"), "out_of_memory");
  CAF_CHECK_EQUAL(d->number("exit_code"), 137);
}

CAF_TEST(a thousand commands and two hundred orphans at once do not confuse the reaper) {
  shell_jobs s;
  auto bomb = s.start("i=0; while [ $i -lt 200 ]; do setsid sh -c 'true & exit 0'; i=$((i+1)); "
                      "done > /dev/null 2>&1; echo all");
  int next = 0;
  int right = 0;
  std::vector<std::pair<int, std::shared_ptr<heard_job>>> jobs;
  const auto until = steady_clock::now() + milliseconds{50'000};
  while ((next < 1000 || !jobs.empty()) && steady_clock::now() < until) {
    for (; next < 1000 && jobs.size() < 8; ++next)
      jobs.emplace_back(next % 128, s.start("exit " + std::to_string(next % 128)));
    s.io.restart();
    s.io.run_one_for(milliseconds{10});
    std::erase_if(jobs, [&](const auto& each) {
      if (!each.second->done)
        return false;
      right += each.second->number("exit_code") == each.first ? 1 : 0;
      return true;
    });
  }
  CAF_CHECK_EQUAL(right, 1000);
  CAF_CHECK(s.until([&] { return bomb->done.has_value(); }));
  CAF_CHECK(s.until([] { return descendants(read_process_table(), ::getpid()).empty(); }));
  CAF_CHECK(s.orphans.strangers() >= 200);
}
