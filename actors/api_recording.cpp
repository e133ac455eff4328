// SPDX-License-Identifier: Apache-2.0

// The API's description: recordings of the desktop.

#include "actors/act_limits.hpp"
#include "actors/api_notes.hpp"

namespace holt::api {

namespace {

schema recording() {
  return object({need("id", text_like("^rec_[0-9]+$")),
                 need("status", one_of({"recording", "completed", "failed"})),
                 may("processId", text(), "its id in the tree, while it runs"),
                 need("fileName", text()), need("bytes", count()),
                 need("startedAt", text(), "RFC 3339"), may("endedAt", text(), "RFC 3339"),
                 need("fps", count()), need("width", count()), need("height", count()),
                 need("sound", flag()), need("durationMs", count()),
                 may("reason", text(), "why it ended, or failed, where nobody stopped it"),
                 may("lastLines", list(text()), "what ffmpeg said when it failed")});
}

} // namespace

void describe_recordings(notes& into) {
  into.room("Recordings", "Videos of the desktop with its sound: fragmented MP4, one at a time.");
  into.define("Recording", recording());
  into.post("/v1/desktop/recording/start", "Start a recording")
    .says("Answers once the first pictures are in its file.")
    .body(object({opt("fps", integer(1, act_limits::recording_fps), "pictures per second"),
                  opt("sound", flag(), "where it is not said: if there is some")}))
    .ok(named("Recording"))
    .fails({errc::conflict, errc::cancelled, errc::desktop_invalid_action, errc::dependency_missing,
            errc::spawn_failed, errc::no_space, errc::read_only, errc::io, errc::timeout,
            errc::busy});
  into.post("/v1/desktop/recording/stop", "Stop the recording")
    .says("Answers once its file is final.")
    .ok(named("Recording"))
    .fails({errc::conflict, errc::no_space, errc::read_only, errc::io});
  into.get("/v1/desktop/recordings", "All recordings, oldest first")
    .ok(object({need("recordings", list(named("Recording")))}))
    .fails({errc::no_space, errc::read_only, errc::io});
  into.get("/v1/desktop/recordings/{id}", "A recording")
    .ok(named("Recording"))
    .fails({errc::not_found, errc::no_space, errc::read_only, errc::io});
  into.add("DELETE", "/v1/desktop/recordings/{id}", "Delete a recording")
    .nothing()
    .fails({errc::not_found, errc::conflict, errc::no_space, errc::read_only, errc::io});
  into.get("/v1/desktop/recordings/{id}/download", "The video")
    .says("Of one that still runs: what there is.")
    .header("Range", text(), "one range of bytes")
    .header("If-None-Match", text())
    .header("If-Match", text())
    .header("If-Range", text())
    .fails({errc::not_found, errc::no_space, errc::read_only, errc::io})
    .answers(200, "The video")
    .as("video/mp4", text())
    .with("ETag", text())
    .answers(206, "A part of it")
    .as("video/mp4", text())
    .with("Content-Range", text())
    .answers(304, "It is as the caller has it.")
    .answers(412, "It is not as the caller has it.")
    .answers(416, "There is no such part.");
}

} // namespace holt::api
