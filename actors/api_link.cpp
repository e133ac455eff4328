// SPDX-License-Identifier: Apache-2.0

// The API's description: the command link.

#include "actors/api_notes.hpp"

namespace holt::api {

void describe_link(notes& into) {
  into.room("Command link", "Commands that agents send over Realtime.");
  into.get("/v1/commands", "What waits and runs")
    .ok(object({need("commands", list(object())), need("left", list(object())),
                need("shells", count()), need("running", count()), need("queued", count()),
                need("ok", count()), need("failed", count())}))
    .fails({errc::busy});
  into.post("/v1/commands/{n}/cancel", "Cancel one")
    .path("n", count(), "its number")
    .nothing("It still answers, `cancelled`.")
    .fails({errc::not_found, errc::busy});
  into.get("/v1/link", "How the links are")
    .ok(object({need("links", list(object())), may("sandbox", text()), may("boot", anything()),
                may("since", anything()), may("queue", object()), may("inbox", object()),
                may("commands", object()), may("journal", object()),
                need("broker", or_null(object()))}));
  into.get("/v1/link/access", "How an agent connects")
    .query("session", text(), "its channel is `sandbox:SESSION`")
    .query("app", one_of({"0", "1"}),
           "1: for other programs, every channel but those of sandboxes; needs scope admin")
    .ok(object({need("url", text()), need("key", text()), may("session", text())}))
    .fails({errc::not_found});
}

} // namespace holt::api
