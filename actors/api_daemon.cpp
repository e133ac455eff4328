// SPDX-License-Identifier: Apache-2.0

// The API's description: health, sessions, the supervision tree, the feed.

#include "actors/api_notes.hpp"
#include "transport/tokens.hpp"

#include <nlohmann/json.hpp>

namespace holt::api {

namespace {

schema who() {
  return object(
    {need("scopes", list(one_of({"view", "input", "fs", "exec", "admin"}))), need("name", text())});
}

schema child_state_word() {
  return one_of({"idle", "waiting", "starting", "ready", "unhealthy", "stopping", "killing",
                 "backoff", "cooldown", "stopped", "failed"});
}

schema death() {
  return object(
    {need("generation", count()), need("pid", integer()),
     need("cause", one_of({"exit", "signal", "timeout", "probe", "spawn_error", "actor"})),
     need("code", integer(), "exit code or signal"), need("detail", text()),
     need("uptimeMs", integer()), need("at", text(), "RFC 3339"),
     need("lastLines", list(text()), "the newest of its output"), need("expected", flag()),
     may("peakRssBytes", count())});
}

schema child() {
  return object(
    {need("id", text()), need("kind", one_of({"group", "process", "actor"})),
     need("state", child_state_word()),
     need("restart", one_of({"permanent", "transient", "temporary"})),
     need("dependsOn", list(text())), need("generation", count()), need("restarts", count()),
     need("budget", object({need("used", count()), need("limit", count())})),
     need("optional", flag()), need("deaths", list(named("Death"))), may("deathTally", object()),
     may("parent", text()), may("pid", integer()), may("uptimeMs", integer()),
     may("nextStartMs", integer()), may("reason", text()), may("children", list(named("Child")))});
}

schema event() {
  return object({need("seq", count(), "grows by one with each"), need("ts", text(), "RFC 3339"),
                 need("kind", text(), "supervision, control, session, command, process, act …"),
                 need("data", object())});
}

schema scopes() {
  return list(one_of({"view", "input", "fs", "exec", "admin"}), 1);
}

schema token() {
  return object({need("id", text().like("tok_0123456789ab")), need("name", text()),
                 need("scopes", scopes()), need("createdAt", text(), "RFC 3339"),
                 may("expiresAt", text(), "RFC 3339")});
}

void describe_tokens(notes& into) {
  into.room("Tokens", "Tokens that may do a part of it, for a time.");
  into.define("Token", token());
  into.get("/v1/tokens", "All of them, oldest first")
    .ok(object({need("tokens", list(named("Token")))}));
  into.post("/v1/tokens", "Make one")
    .says("Never with more scopes, nor for longer, than the caller has. Only its digest is kept.")
    .body(closed(object({need("scopes", scopes()),
                         opt("name", text_like("^[A-Za-z0-9._-]{1,64}$"), "no other token has it"),
                         opt("expiresIn", integer(1, http::max_token_seconds),
                             "seconds; where it is not given it lives until it is revoked")})))
    .answers(201, "It is shown this once.")
    .as("application/json", extended(token(), {need("token", text())}))
    .fails({errc::exists, errc::conflict, errc::unsupported, errc::no_space, errc::io});
  into.add("DELETE", "/v1/tokens/{id}", "Revoke one")
    .says("WebSockets, event streams, browser sessions and tickets that came from it end with it.")
    .path("id", text(1), "its id, or its name")
    .nothing()
    .fails({errc::no_space, errc::read_only, errc::io});
}

void describe_tree(notes& into) {
  into.room("Supervision", "The parts of the daemon, and what happens to them.");
  into.define("Death", death());
  into.define("Child", child());
  into.define("Event", event());
  into.get("/v1/supervision", "The supervision tree")
    .ok(extended(child(), {need("ready", flag(), "everything that is needed is ready"),
                           need("degraded", list(text()), "what was given up")}));
  const char* act[][2] = {{"/v1/supervision/{id}/start", "Start a part that was stopped or failed"},
                          {"/v1/supervision/{id}/stop", "Stop a part until it is started again"},
                          {"/v1/supervision/{id}/restart", "Restart a part"}};
  for (const auto& [pattern, summary] : act)
    into.post(pattern, summary)
      .path("id", text(1), "of the tree, as `engine`")
      .nothing("It was told; the tree shows how it goes.")
      .fails({errc::not_found, errc::conflict});

  into.get("/v1/activity", "What happened")
    .query("after", count(), "only what came after this `seq`")
    .ok(
      object({need("events", list(named("Event"))), need("next", count(), "to ask with as `after`"),
              need("first", count(), "oldest that is kept")}));
  into.websocket("/v1/activity/ws", "What happens, as it happens")
    .query("after", count(), "only what came after this `seq`")
    .frames("nothing.", "one event as JSON per text frame, those that are kept first.");
}

} // namespace

void describe_daemon(notes& into) {
  into.room("Daemon", "Health, who is asking, and this description.");
  into.get("/v1/health", "Whether the daemon serves")
    .says("Without a credential it only says so; a wrong one is refused.")
    .ok(
      object({need("status", one_of({"ok"})), may("version", text()),
              may("engine", or_null(text()), "stream engine"), may("engineVersion", text()),
              may("engineNotes", list(text())), may("degraded", list(text())), may("ready", flag()),
              may("uptimeMs", count()), may("kernel", anything(), "what it allows")}))
    .fails({errc::token_invalid, errc::too_many_requests});
  into.get("/openapi.json", "This description").ok(object(), "OpenAPI 3.1");
  into.get("/metrics", "Counters for Prometheus")
    .answers(200, "Prometheus' text format")
    .as("text/plain", text());
  into.post("/v1/session", "Sign a browser in")
    .says("Trades the ticket of a link, or a token, for a cookie.")
    .body(closed(object({opt("ticket", text(), "from a link's `#ticket=`"), opt("token", text())})))
    .ok(who())
    .with("Set-Cookie", text(), "`holt_session_PORT`")
    .fails({errc::token_invalid, errc::too_many_requests});
  into.get("/v1/session", "Who is asking").ok(who());
  into.add("DELETE", "/v1/session", "Sign the browser out")
    .says("WebSockets that were opened with its session are closed (4401).")
    .nothing()
    .with("Set-Cookie", text(), "clears it");
  into.post("/v1/tickets", "Make a one-time link")
    .body(closed(object({opt("view", flag(), "the link may only watch")})))
    .ok(object({need("link", text()), need("ticket", text())}),
        "Never more scopes than the caller has.");
  describe_tokens(into);
  describe_tree(into);
}

} // namespace holt::api
