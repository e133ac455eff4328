// SPDX-License-Identifier: Apache-2.0

// The API's description: processes, their logs and terminals. Read by shell/process_fields.

#include "actors/api_notes.hpp"
#include "shell/process_bounds.hpp"
#include "shell/process_fields.hpp"

namespace holt::api {

namespace {

namespace bounds = shell::bounds;

std::int64_t of(std::uint64_t n) {
  return static_cast<std::int64_t>(n);
}

constexpr std::int64_t largest = INT64_MAX;

schema process() {
  return object({need("id", text().like("proc_1")), need("command", text()),
                 need("args", list(text())), may("cwd", text()), need("tty", flag()),
                 need("interactive", flag()), need("owner", one_of({"user", "desktop", "system"})),
                 need("status", one_of({"running", "exited"})), may("pid", integer()),
                 may("exitCode", integer()), may("signal", integer(), "that ended it"),
                 need("createdAtMs", count()), may("exitedAtMs", count()),
                 may("tags", list(text())), may("cols", count()), may("rows", count())});
}

schema limits() {
  return object({need("maxConcurrentProcesses", integer(1, of(bounds::concurrent))),
                 need("defaultRunTimeoutMs", integer(1, of(bounds::ms)), "at most maxRunTimeoutMs"),
                 need("maxRunTimeoutMs", integer(1, of(bounds::ms))),
                 need("maxOutputBytes", integer(1, of(bounds::bytes))),
                 need("maxLogBytesPerProcess", integer(1, of(bounds::bytes))),
                 need("maxInputBytesPerRequest", integer(1, of(bounds::bytes)))});
}

/// What a process is started with.
schema program() {
  return object(
    {need("command", text(1), "a program of PATH, or its path; no shell"),
     opt("args", list(text()), "at most 1 MiB together, without NUL"),
     opt("cwd", text(1), "inside the roots; where it is not given the workspace"),
     opt("env", map_of(text()), "beside what every process has; at most 512 KiB together")});
}

schema terminal_size() {
  return object({need("cols", integer(1, of(bounds::terminal))),
                 need("rows", integer(1, of(bounds::terminal)))});
}

schema entry() {
  return object({need("sequence", count(), "of all streams"),
                 need("stream", one_of({"stdout", "stderr", "pty"})), need("timestampMs", count()),
                 need("offset", count(), "bytes of its own stream before it"), need("data", text()),
                 need("encoding", one_of({"base64"}))});
}

note& one(note& what) {
  return what.path("id", text(1), "as `proc_1`").fails({errc::not_found, errc::busy});
}

void describe_making(notes& into) {
  into.post("/v1/processes", "Start a process")
    .body(extended(program(), {opt("tty", flag(), "in a terminal"), opt("interactive", flag()),
                               opt("lossless", flag(),
                                   "from the start on it waits in its writes for who follows its "
                                   "log with `lossless`; a minute for the first"),
                               opt("cols", integer(1, of(bounds::terminal))),
                               opt("rows", integer(1, of(bounds::terminal))),
                               opt("tags", list(text_bytes(1, bounds::tag), 0, bounds::tags))}))
    .ok(named("Process"), "It runs.")
    .fails({errc::not_found, errc::denied, errc::not_directory, errc::conflict, errc::busy});
  into.post("/v1/processes/run", "Run a program to its end")
    .body(extended(
      program(),
      {opt("timeoutMs", integer(0, largest), "0: as configured; more than the most is cut to it"),
       opt("maxOutputBytes", integer(0, largest), "of each stream; cut to the most"),
       opt("encoding", one_of({"utf8", "base64"}), "of the output")}))
    .ok(object({need("exitCode", or_null(integer()), "null: time-out or signal"),
                need("timedOut", flag()), need("stdout", text()), need("stderr", text()),
                need("stdoutTruncated", flag()), need("stderrTruncated", flag()),
                need("durationMs", count()), may("signal", integer())}))
    .fails({errc::not_found, errc::denied, errc::not_directory, errc::conflict, errc::busy});
}

void describe_log(notes& into) {
  const auto lost = object({need("throughSequence", count()), may("bytes", count())});
  one(into.get("/v1/processes/{id}/logs", "What it printed"))
    .says("With `follow`, server-sent events: `log` (id: its sequence), `lost`, `exit`; then the "
          "end. `end` when the credential ends.")
    .query("stream", one_of({"stdout", "stderr", "combined", "pty"}))
    .query("since", count(), "only what has a larger sequence; also as Last-Event-ID")
    .query("tail", integer(0, of(bounds::tail)), "only so many entries, the newest")
    .query("offset", count(), "from this byte on; needs one stream")
    .query("follow", one_of({"true", "false", "1", "0"}))
    .query("lossless", one_of({"true", "false", "1", "0"}),
           "with `follow`: nothing is lost; the process waits when half of what is kept was not "
           "read, and a minute for a reader that comes back")
    .ok(object({need("processId", text()),
                need("stream", one_of({"stdout", "stderr", "combined", "pty"})),
                need("entries", list(entry())), may("lost", lost, "what is not kept any more")}))
    .as("text/event-stream", text());
}

void describe_acts(notes& into) {
  one(into.post("/v1/processes/{id}/stop", "SIGTERM"))
    .query("waitMs", integer(0, of(bounds::wait_ms)), "for its end; 0 where it is not given")
    .ok(named("Process"));
  one(into.post("/v1/processes/{id}/kill", "End the whole tree"))
    .query("waitMs", integer(0, of(bounds::wait_ms)), "for its end; 2000 where it is not given")
    .ok(named("Process"));
  const auto signal
    = either({text_like(shell::signal_pattern()), integer(1, of(bounds::last_signal))});
  one(into.post("/v1/processes/{id}/signal", "Send a signal"))
    .body(closed(object({need("signal", signal, "a name, with or without SIG, or a number")})))
    .ok(named("Process"))
    .fails({errc::conflict});
  one(into.post("/v1/processes/{id}/input", "Write to its input"))
    .body(object({need("data", text(), "base64 where encoding says nothing else"),
                  opt("encoding", one_of({"base64", "utf8", "text"}))}))
    .ok(object({need("bytesWritten", count())}))
    .fails({errc::conflict});
  one(into.post("/v1/processes/{id}/input/close", "Close its input"))
    .nothing()
    .fails({errc::conflict});
  one(into.post("/v1/processes/{id}/terminal/resize", "Give its terminal another size"))
    .body(terminal_size())
    .ok(terminal_size())
    .fails({errc::conflict});
  one(into.websocket("/v1/processes/{id}/terminal/ws", "Its terminal"))
    .query("offset", count(), "from this byte on")
    .query("replay", one_of({"0", "1"}), "0: only what is new")
    .query("events", one_of({"0", "1", "true", "false"}), "also `lost`")
    .fails({errc::conflict})
    .frames("text `{type: input, data}`, `{type: resize, cols, rows}`, `{type: close}`; binary: "
            "bytes.",
            "text `{type: ready}`, `{type: exit}`, `{type: error}`, `{type: lost}`; binary: the "
            "terminal's bytes.");
}

} // namespace

void describe_processes(notes& into) {
  into.room("Processes", "Programs, their output, input and terminals.");
  into.define("Process", process());
  into.define("ProcessLimits", limits());
  into.get("/v1/processes", "All of them, oldest first")
    .query("owner", one_of({"user", "desktop", "system"}))
    .query("tag", text())
    .ok(object({need("processes", list(named("Process")))}))
    .fails({errc::busy});
  describe_making(into);
  one(into.get("/v1/processes/{id}", "One of them")).ok(named("Process"));
  one(into.add("DELETE", "/v1/processes/{id}", "Forget one that has ended"))
    .nothing()
    .fails({errc::conflict});
  describe_log(into);
  describe_acts(into);
  into.get("/v1/processes/config", "The limits").ok(named("ProcessLimits")).fails({errc::busy});
  into.post("/v1/processes/config", "Set the limits")
    .says("Until the daemon ends.")
    .body(named("ProcessLimits"))
    .ok(named("ProcessLimits"))
    .fails({errc::busy});
}

} // namespace holt::api
