// SPDX-License-Identifier: Apache-2.0

#include "shell/job_report.hpp"

#include <csignal>

namespace holt::shell {
namespace {

void put_stream(nlohmann::json& fields, const std::string& name, const kept_text& text) {
  put_bytes(fields, name, text.bytes);
  if (!text.truncated)
    return;
  fields["truncated"] = true;
  fields[name + "_bytes"] = text.total;
  fields[name + "_cut"] = text.cut;
}

const char* sentence(errc why) {
  switch (why) {
  case errc::timeout: return "The command ran out of time and was killed.";
  case errc::cancelled: return "The command was cancelled and killed.";
  case errc::shutting_down: return "The daemon is stopping; the command was killed.";
  default: return "";
  }
}

} // namespace

bool looks_killed(const std::optional<exit_status>& status) {
  return status && (status->signal == SIGKILL || status->code == 128 + SIGKILL);
}

command_outcome report(const job_end& end, kept_text out, kept_text err) {
  command_outcome all;
  all.code = end.why;
  all.detail = sentence(end.why);
  auto& fields = all.fields;
  put_stream(fields, "stdout", out);
  put_stream(fields, "stderr", err);
  if (out.truncated || err.truncated) {
    fields["stdout_bytes"] = out.total;
    fields["stderr_bytes"] = err.total;
  }
  fields["duration_ms"] = end.duration.count();
  // What our own SIGKILL left says nothing: the error tells why.
  if (all.ok() && end.status) {
    if (end.status->signal)
      fields["signal"] = *end.status->signal;
    fields["exit_code"]
      = end.status->signal ? 128 + *end.status->signal : end.status->code.value_or(-1);
  }
  if (!end.held_open_by.empty())
    fields["held_open_by"] = end.held_open_by;
  if (end.survivors)
    fields["survivors"] = *end.survivors;
  if (all.ok() && end.out_of_memory) {
    fields["code"] = "out_of_memory";
    all.detail = "The kernel killed it: out of memory.";
  }
  return all;
}

} // namespace holt::shell
