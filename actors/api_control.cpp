// SPDX-License-Identifier: Apache-2.0

// Notes of the routes about who drives (gateway_control.cpp).

#include "actors/api_notes.hpp"

namespace holt::api {

namespace {

constexpr std::size_t note_bytes = 1'000;
constexpr std::size_t name_bytes = 100;
constexpr std::int64_t wait_ms = 60'000;

schema control_state() {
  return object(
    {need("epoch", count(), "grows with every change"),
     need("agentEpoch", count(), "acts asked for with an older one are refused"),
     need("kind", one_of({"person", "agent", "none"})), need("name", text()),
     need("taken", flag(), "a person holds off the agent"), need("viewer", or_null(text())),
     need("paused", flag(), "a person has paused the agent"), need("pausedBy", text()),
     need("note", text(), "for the agent, from who gave control back"),
     need("mayAct", flag(), "an act of this caller would be done"),
     may("lease", text(), "header Holt-Lease of the caller's acts"),
     need("viewers",
          list(object({need("id", text()), need("name", text()), need("canControl", flag())})))});
}

schema trace_entry() {
  return object({need("seq", count()), need("ts", count(), "ms since 1970"), need("epoch", count()),
                 need("name", text(), "who drove"),
                 need("kind", one_of({"click", "drag", "scroll", "type", "key", "focus"}))});
}

} // namespace

void describe_control(notes& into) {
  into.room("Control", "Who drives: agent or person.");
  into.define("Control", control_state());
  auto document = named("Control");
  into.get("/v1/control", "Who drives")
    .query("after", count(), "wait until the epoch is above this")
    .query("waitMs", integer(0, wait_ms), "but no longer")
    .ok(document)
    .fails({errc::desktop_invalid_action});
  into.post("/v1/control/take", "Hold off the agent")
    .says("From another person only with the scope admin.")
    .body(
      closed(object({opt("viewer", text_bytes(0, 20), "a viewer of the same session, which drives"),
                     opt("name", text_bytes(0, name_bytes), "for people")})))
    .ok(document)
    .fails({errc::not_found});
  into.post("/v1/control/give", "Give control to the agent or a viewer")
    .body(closed(object({opt("to", text_bytes(0, 20), "`agent`, or a viewer's id"),
                         opt("note", text_bytes(0, note_bytes), "for the agent")})))
    .ok(document)
    .fails({errc::conflict, errc::not_found});
  into.post("/v1/control/release", "Nobody drives any more")
    .body(closed(object({opt("note", text_bytes(0, note_bytes), "for the agent")})))
    .nothing()
    .fails({errc::conflict});
  into.post("/v1/control/pause", "Refuse the agent's acts").ok(document);
  into.post("/v1/control/resume", "Let the agent go on").ok(document);
  into.get("/v1/control/trace", "What people did on the desktop")
    .query("after", count(), "entries behind this one")
    .query("limit", integer(1, 1'000))
    .ok(object({need("entries", list(trace_entry())), need("next", count()), need("first", count()),
                need("epoch", count())}))
    .fails({errc::desktop_invalid_action});
}

} // namespace holt::api
