// SPDX-License-Identifier: Apache-2.0

// The API's description: the desktop, its live view, pictures of it, who drives.

#include "actors/act_limits.hpp"
#include "actors/api_notes.hpp"

namespace holt::api {

namespace {

namespace limit = act_limits;

schema resolution() {
  return object({need("width", count()), need("height", count()), may("dpi", count())});
}

schema status() {
  return object(
    {need("state",
          one_of({"inactive", "install_required", "starting", "active", "stopping", "failed"})),
     may("display", text(), "as :99"), may("xauthority", text(), "file of the X cookie"),
     may("resolution", resolution()), may("startedAt", text(), "RFC 3339"),
     may("lastError", object({need("code", text()), need("message", text())})),
     need("missingDependencies", list(text())), may("installCommand", text()),
     need("processes",
          list(object({need("name", text()), need("id", text()), need("pid", integer()),
                       need("running", flag()), need("logPath", text())}))),
     may("runtimeLogPath", text())});
}

schema stream_status() {
  return object({need("active", flag()), may("engine", text()), may("engineVersion", text()),
                 may("state", text(), "of the supervision tree"), may("reason", text())});
}

/// The pictures, and the queries of both routes.
note& picture(note& into) {
  return into.query("format", one_of({"png", "jpeg", "jpg", "webp"}), "png where it is not given")
    .query("quality", integer(1, 100), "of jpeg and webp; 85 where it is not given")
    .query("scale", number(limit::min_scale, 1.0))
    .query("showCursor", one_of({"true", "false", "1", "0"}))
    .query("settle", integer(0, limit::settle_ms), "ms: wait until nothing was painted for so long")
    .query("settleLimit", integer(1, limit::settle_limit_ms), "ms: then it is taken all the same")
    .header("If-None-Match", text(), "the ETag of an earlier one")
    .header("Holt-Epoch", count(), "of control, which must still hold")
    .answers(200, "The picture")
    .as("image/png", text())
    .as("image/jpeg", text())
    .as("image/webp", text())
    .with("ETag", text())
    .with("Holt-Frame", text_like("^[0-9]+$"), "grows when something was painted")
    .with("Holt-Area", text_like("^[0-9]+x[0-9]+\\+[0-9]+\\+[0-9]+$"), "WxH+X+Y of the screen")
    .with("Holt-Size", text_like("^[0-9]+x[0-9]+$"), "WxH of the picture")
    .with("Holt-Settled", one_of({"true", "false"}), "whether it waited to the end")
    .answers(304, "The screen shows the same as the picture of that ETag.")
    .misses("window_not_found")
    .fails({errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::control_held,
            errc::not_found, errc::busy});
}

} // namespace

void describe_desktop(notes& into) {
  into.room("Desktop", "The desktop and its live view.");
  into.define("DesktopStatus", status());
  into.define("StreamStatus", stream_status());
  into.get("/v1/desktop/status", "How the desktop is").ok(named("DesktopStatus"));
  into.post("/v1/desktop/start", "Start the desktop, or give it another size")
    .says("Answers once it is active, or has failed. Sizes are at most as configured "
          "(`desktop.max_width`, `desktop.max_height`).")
    .body(object({opt("width", integer(limit::min_side, limit::coordinate), "pixels"),
                  opt("height", integer(limit::min_side, limit::coordinate), "pixels"),
                  opt("dpi", integer(limit::min_dpi, limit::max_dpi))}))
    .ok(named("DesktopStatus"))
    .fails(
      {errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::timeout, errc::busy});
  into.post("/v1/desktop/stop", "Stop the desktop until it is started again")
    .ok(named("DesktopStatus"))
    .fails({errc::timeout, errc::busy});
  into.get("/v1/desktop/display/info", "Display and size")
    .ok(object({need("display", text()), need("resolution", resolution())}))
    .fails({errc::desktop_runtime_inactive, errc::busy});
  picture(into.get("/v1/desktop/screenshot", "A picture of the screen, or of a window")
            .query("window", text_like("^[0-9]+$"), "its number"));
  picture(into.get("/v1/desktop/screenshot/region", "A picture of a part of the screen")
            .says("Cut to the screen.")
            .needs_query("x", integer(0, limit::region))
            .needs_query("y", integer(0, limit::region))
            .needs_query("width", integer(1, limit::region))
            .needs_query("height", integer(1, limit::region)));

  into.get("/v1/desktop/stream/status", "How the live view is").ok(named("StreamStatus"));
  into.post("/v1/desktop/stream/start", "Start the live view")
    .ok(named("StreamStatus"))
    .fails({errc::desktop_runtime_inactive, errc::conflict, errc::timeout, errc::busy});
  into.post("/v1/desktop/stream/stop", "Stop the live view until it is started again")
    .ok(named("StreamStatus"))
    .fails({errc::timeout, errc::busy});
  into.websocket("/v1/desktop/stream/signaling", "The live view")
    .fails({errc::desktop_runtime_inactive, errc::engine_unavailable, errc::busy})
    .frames("neko's events: `signal/request`, `signal/answer`, `signal/candidate`, `control/*`.",
            "neko's events: `system/init`, `signal/provide`, `signal/candidate`, and `holt/*`.");
}

} // namespace holt::api
