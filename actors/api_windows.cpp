// SPDX-License-Identifier: Apache-2.0

// The API's description: windows, and programs on the desktop.

#include "actors/act_limits.hpp"
#include "actors/api_notes.hpp"

namespace holt::api {

namespace {

namespace limit = act_limits;

schema frame() {
  return object(
    {need("x", integer()), need("y", integer()), need("width", count()), need("height", count())});
}

schema window() {
  return object({need("id", text_like("^[0-9]+$")), need("title", text()),
                 need("x", integer(), "of what its program paints"), need("y", integer()),
                 need("width", count()), need("height", count()), need("isActive", flag()),
                 need("frame", frame(), "with title bar and borders"), need("app", text()),
                 may("pid", integer()), need("minimised", flag()), need("maximised", flag())});
}

note& wish(notes& into, std::string_view pattern, std::string_view summary) {
  return into.post(pattern, summary)
    .path("id", text_like("^[0-9]+$"), "its number")
    .misses("window_not_found")
    .fails({errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::control_held,
            errc::busy});
}

schema program(bool with_window) {
  return with_window ? object({need("processId", text()), need("pid", integer()),
                               may("windowId", text_like("^[0-9]+$"))})
                     : object({need("processId", text()), need("pid", integer())});
}

void describe_programs(notes& into) {
  into.room("Programs", "What is started on the desktop.");
  into.post("/v1/desktop/launch", "Start a program")
    .says("It becomes a process of the list, with the owner `desktop` and the tag `launch`.")
    .body(object({need("app", text(), "its name, path, or the id or name of an application"),
                  opt("args", list(text(), 0, limit::arguments)),
                  opt("wait", flag(), "for its window, at most 10 s")}))
    .ok(program(true))
    .misses("app_not_found")
    .fails({errc::desktop_runtime_inactive, errc::control_held, errc::not_found, errc::denied,
            errc::conflict, errc::busy});
  into.post("/v1/desktop/open", "Open a file or an address")
    .says("A process of the list, with the owner `desktop` and the tag `open`.")
    .body(object({need("target", text(1), "a file below the workspace, or an address")}))
    .ok(program(false))
    .misses("app_not_found")
    .fails({errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::control_held,
            errc::not_found, errc::denied, errc::conflict, errc::busy});
  into.get("/v1/desktop/applications", "What can be started")
    .ok(object(
      {need("applications",
            list(object({need("id", text()), need("name", text()), need("command", list(text())),
                         need("categories", list(text())), need("terminal", flag()),
                         may("comment", text()), may("icon", text())})))}));
}

} // namespace

void describe_windows(notes& into) {
  into.room("Windows", "`x, y, width, height` are what the program paints: the coordinates of "
                       "clicks and of a part of the screen.");
  into.define("Window", window());
  into.get("/v1/desktop/windows", "All windows")
    .ok(object({need("windows", list(named("Window")))}))
    .fails({errc::desktop_runtime_inactive, errc::busy});
  into.get("/v1/desktop/windows/focused", "The window that has the keyboard")
    .ok(named("Window"))
    .misses("no_focused_window")
    .fails({errc::desktop_runtime_inactive, errc::busy});
  wish(into, "/v1/desktop/windows/{id}/focus", "Bring it to the front").ok(named("Window"));
  wish(into, "/v1/desktop/windows/{id}/close", "Close it")
    .ok(either({object({need("id", text()), need("closed", flag())}), named("Window")}),
        "`closed` once it is gone; the window while it is not.");
  wish(into, "/v1/desktop/windows/{id}/minimise", "Minimise it").ok(named("Window"));
  wish(into, "/v1/desktop/windows/{id}/maximise", "Maximise it").ok(named("Window"));
  wish(into, "/v1/desktop/windows/{id}/restore", "Neither minimised nor maximised")
    .ok(named("Window"));
  wish(into, "/v1/desktop/windows/{id}/move", "Move it")
    .says("The corner of its frame.")
    .body(object({need("x", integer(-limit::coordinate, limit::coordinate)),
                  need("y", integer(-limit::coordinate, limit::coordinate))}))
    .ok(named("Window"));
  wish(into, "/v1/desktop/windows/{id}/resize", "Give it another size")
    .says("Inside its frame.")
    .body(object({need("width", integer(1, limit::coordinate)),
                  need("height", integer(1, limit::coordinate))}))
    .ok(named("Window"));
  describe_programs(into);
}

} // namespace holt::api
