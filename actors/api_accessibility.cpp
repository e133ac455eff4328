// SPDX-License-Identifier: Apache-2.0

// The API's description: the accessibility tree (gateway_accessibility.cpp).

#include "actors/act_limits.hpp"
#include "actors/api_notes.hpp"

namespace holt::api {

namespace {

namespace limit = act_limits;

constexpr const char* unavailable_word = "accessibility_unavailable";
constexpr const char* unavailable_means
  = "There is no accessibility bus; the detail says what to install or to switch on.";

schema node() {
  return object(
    {need("id", text(1), "names it in later calls, as long as its program shows it"),
     need("role", text(1), "as AT-SPI calls it: frame, push button, text, menu item"),
     need("name", text()), need("states", list(text())), may("description", text()),
     may("bounds",
         object({need("x", integer()), need("y", integer()), need("width", count()),
                 need("height", count())}),
         "on the desktop, in the coordinates of clicks"),
     may("text", text(), "what it shows, where that is not its name"),
     may("textTruncated", flag(), "there is more of it"),
     may("value", object(), "current, minimum, maximum, increment"),
     may("actions", list(text()), "names, for `…/action`"), may("pid", count(), "of a program"),
     may("windowId", text_like("^[0-9]+$"), "where it is, or is in, a window of the X server"),
     may("app", text(), "of find: its program"), may("parent", text(), "of find: its parent's id"),
     may("children", list(object())), may("truncated", flag(), "it has more children"),
     may("timedOut", flag(), "its program did not answer in time; there may be more")});
}

void view(note& one) {
  one.query("app", text(), "only this program, by its name in any case")
    .query("pid", integer(1, 0x7fffffff), "only this program")
    .query("window", text_like("^[0-9]+$"), "only this window of the X server")
    .query("node", text(), "begin at this node; the others then do not count")
    .query("showing", flag(), "only what is on the screen, which is so where it is missing")
    .query("depth", integer(0, limit::tree_depth), "below where it begins; 64")
    .query("text", integer(0, limit::tree_text), "characters of one node's text; 2000")
    .query("timeoutMs", integer(1, limit::tree_patience_ms), "for all; 5000")
    .header("Holt-Epoch", count(), "of control, which must still hold")
    .misses("node_not_found")
    .misses("window_not_found")
    .fails({errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::control_held,
            errc::too_many_requests, errc::not_found, errc::busy})
    .lacks(unavailable_word, unavailable_means);
}

schema answer() {
  return object({need("nodes", list(named("Node"))),
                 need("truncated", flag(), "a limit left something out"),
                 need("timedOut", flag(), "a program or the time left something out"),
                 need("durationMs", count())});
}

note& node_act(notes& into, std::string_view pattern, std::string_view summary) {
  return into.post(pattern, summary)
    .path("id", text(1), "of a node")
    .ok(object({need("ok", flag()), may("node", named("Node"), "afterwards, where it is there")}))
    .misses("node_not_found")
    .fails({errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::conflict,
            errc::control_held, errc::timeout, errc::io, errc::unsupported, errc::busy})
    .lacks(unavailable_word, unavailable_means);
}

} // namespace

void describe_accessibility(notes& into) {
  into.room("Accessibility", "What is on the desktop as structure: programs, their windows, their "
                             "widgets, as they tell it themselves (AT-SPI).");
  into.define("Node", node());
  view(into.get("/v1/desktop/accessibility", "The tree")
         .says("Programs, nested. A program that hangs is `timedOut` and holds up nothing else.")
         .query("limit", integer(1, limit::tree_nodes), "nodes; 500")
         .ok(answer()));
  view(into.get("/v1/desktop/accessibility/find", "Parts of it")
         .says("Nodes that fit everything that is given, without their children.")
         .query("role", text(), "its role; `button` also finds a push button")
         .query("name", text(), "a part of its name, in any case")
         .query("exact", flag(), "the name is meant whole")
         .query("state", text(), "a state that it has")
         .query("nodes", integer(1, limit::tree_nodes), "that are looked at; 10000")
         .query("limit", integer(1, limit::tree_matches), "nodes in the answer; 50")
         .ok(answer()));
  node_act(into, "/v1/desktop/accessibility/{id}/action", "Do what it offers")
    .body(closed(object({opt("action", text(), "one of its actions; else the first")})));
  node_act(into, "/v1/desktop/accessibility/{id}/focus", "Give it the keyboard")
    .body(closed(object()));
  node_act(into, "/v1/desktop/accessibility/{id}/text", "Set its text")
    .body(closed(object({need("text", text())})));
  node_act(into, "/v1/desktop/accessibility/{id}/value", "Set its value")
    .body(closed(object({need("value", number(-1e308, 1e308))})));
}

} // namespace holt::api
