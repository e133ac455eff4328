// SPDX-License-Identifier: Apache-2.0

// Health and metrics.

#include "actors/commands.hpp"
#include "actors/gateway.hpp"
#include "transport/log.hpp"
#include "transport/metrics.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace holt {

namespace {

using supervision::tree_report;

struct own_usage {
  double resident_bytes = 0;
  double descriptors = 0;
  double threads = 0;
};

own_usage measure_self() {
  own_usage out;
  std::ifstream statm{"/proc/self/statm"};
  double pages = 0;
  if (statm >> pages >> pages)
    out.resident_bytes = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  std::error_code ec;
  for (std::filesystem::directory_iterator i{"/proc/self/fd", ec}, end; !ec && i != end;
       i.increment(ec))
    ++out.descriptors;
  for (std::filesystem::directory_iterator i{"/proc/self/task", ec}, end; !ec && i != end;
       i.increment(ec))
    ++out.threads;
  return out;
}

void add_self(metrics& out, double uptime) {
  auto usage = measure_self();
  out.gauge("holt_uptime_seconds", "Since the daemon started.", uptime);
  out.gauge("process_resident_memory_bytes", "Of the daemon.", usage.resident_bytes);
  out.gauge("process_open_fds", "Of the daemon.", usage.descriptors);
  out.gauge("process_threads", "Of the daemon.", usage.threads);
  out.counter("holt_log_dropped_total", "Log lines that did not fit the queue.",
              static_cast<double>(log::dropped()));
}

void add_http(metrics& out, const http::listener_stats& stats) {
  out.gauge("holt_http_connections", "Open connections.", static_cast<double>(stats.open));
  out.gauge("holt_http_unauthenticated", "Of them, without a credential so far.",
            static_cast<double>(stats.unauthenticated));
  out.gauge("holt_http_websockets", "Of them, WebSockets.", static_cast<double>(stats.websockets));
  out.counter("holt_http_refused_total", "Connections over a limit.",
              static_cast<double>(stats.refused));
  for (const auto& [status, count] : stats.requests)
    out.counter("holt_http_requests_total", "Answers by status.", static_cast<double>(count),
                {{"status", std::to_string(status)}});
}

void add_tree(metrics& out, const tree_report& tree) {
  double viewers = 0;
  for (const auto& node : tree.nodes)
    viewers += node.parent == "viewers" ? 1 : 0;
  out.gauge("holt_viewers", "Browsers with a signaling connection.", viewers);
  auto each = [&](auto write) {
    for (const auto& node : tree.nodes)
      if (node.kind != child_kind::group && node.restart != restart_policy::temporary)
        write(node);
  };
  each([&](const auto& node) {
    out.gauge("holt_child_ready", "1 while the child is ready.",
              node.state == child_state::ready ? 1 : 0, {{"id", node.id}});
  });
  each([&](const auto& node) {
    out.counter("holt_child_restarts_total", "Unexpected ends of the child.",
                static_cast<double>(node.restarts), {{"id", node.id}});
  });
  out.counter("holt_supervision_stale_total", "Late events that were dropped.",
              static_cast<double>(tree.stale));
}

void add_link(metrics& out, const nlohmann::json& link) {
  const auto& queue = link.at("queue");
  out.gauge("holt_commands_running", "Commands that run.", queue.at("running").get<double>());
  out.gauge("holt_commands_queued", "Commands that wait.", queue.at("queued").get<double>());
  const auto& done = link.at("commands");
  for (const auto* how : {"ok", "failed"})
    out.counter("holt_commands_total", "Commands that were answered.", done.at(how).get<double>(),
                {{"result", how}});
  const auto& inbox = link.at("inbox");
  out.gauge("holt_link_inbox_bytes", "Messages that came and wait.",
            inbox.at("bytes").get<double>());
  out.counter("holt_link_inbox_dropped_total", "Messages that found no room.",
              inbox.at("dropped").get<double>());
  out.gauge("holt_journal_waiting", "Operations that wait for the journal.",
            link.at("journal").at("waiting").get<double>());
  const struct {
    const char* name;
    const char* help;
    const char* field;
  } rows[] = {{"holt_link_heard_total", "Messages that came.", "heard"},
              {"holt_link_sent_total", "Messages that went out.", "sent"},
              {"holt_link_unsent_total", "Messages that the link did not take.", "unsent"},
              {"holt_link_dropped_total", "Messages that could not be answered.", "dropped"},
              {"holt_link_joins_total", "Joins of the channel.", "joins"}};
  for (const auto& one : link.at("links"))
    out.gauge("holt_link_up", "1 while the channel is joined.", one.at("up").get<bool>() ? 1 : 0,
              {{"session", one.at("session")}});
  for (const auto& row : rows)
    for (const auto& one : link.at("links"))
      out.counter(row.name, row.help, one.at(row.field).get<double>(),
                  {{"session", one.at("session")}});
}

void add_broker(metrics& out, const broker::broker_stats& stats) {
  out.gauge("holt_broker_sockets", "Open sockets.", static_cast<double>(stats.sockets));
  out.gauge("holt_broker_members", "Members of channels.", static_cast<double>(stats.members));
  out.gauge("holt_broker_topics", "Channels.", static_cast<double>(stats.topics));
  out.counter("holt_broker_received_total", "Broadcasts that came.",
              static_cast<double>(stats.received));
  out.counter("holt_broker_delivered_total", "Broadcasts that were handed to a member.",
              static_cast<double>(stats.delivered));
  out.counter("holt_broker_slow_closed_total", "Members that could not keep up.",
              static_cast<double>(stats.slow_closed));
  out.counter("holt_broker_mailbox_total", "Broadcasts kept for who was away.",
              static_cast<double>(stats.mailbox_stored));
}

} // namespace

void gateway::add_health_routes() {
  // Without a credential it only says that the daemon serves; a wrong one is refused.
  open_route("GET", "/v1/health", [this](const gateway_call& call) {
    auto who = identify(call.request, false);
    bool tried = !call.request.header_value("authorization").empty()
                 || call.request.query_value("access_token").has_value();
    if (!who && tried)
      return call.answer(http::problem(who.error()));
    if (!who)
      return call.answer(http::json_response(200, {{"status", "ok"}}));
    deps_.tree->snapshot(
      [this, self = shared_from_this(), answer = call.answer](const result<tree_report>& tree) {
        nlohmann::json body{{"status", "ok"}, {"version", HOLT_VERSION}, {"engine", nullptr}};
        if (!deps_.engine.name.empty()) {
          body["engine"] = deps_.engine.name;
          body["engineVersion"] = deps_.engine.version;
          body["engineNotes"] = deps_.engine.notes;
        }
        body["degraded"] = tree ? tree->degraded : std::vector<child_id>{};
        body["ready"] = tree && tree->ready;
        body["uptimeMs"] = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::steady_clock::now() - started_)
                             .count();
        body["kernel"] = deps_.kernel;
        answer(http::json_response(200, body));
      });
  });
  get("/metrics", http::scope::view, [this](const gateway_call& call) {
    deps_.tree->snapshot(
      [self = shared_from_this(), answer = call.answer](const result<tree_report>& tree) {
        auto last = [self, answer, tree](const nlohmann::json& link) {
          answer(self->metrics_document(tree, link));
        };
        if (!self->deps_.commands.send(links_query{last}))
          last(nullptr);
      });
  });
}

http::response gateway::metrics_document(const result<tree_report>& tree,
                                         const nlohmann::json& link) const {
  metrics out;
  add_self(out, std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
  if (deps_.listener_stats)
    add_http(out, deps_.listener_stats());
  if (deps_.strangers_reaped)
    out.counter("holt_orphans_reaped_total", "Processes that nobody else waited for.",
                static_cast<double>(deps_.strangers_reaped()));
  if (tree)
    add_tree(out, *tree);
  if (link.is_object())
    add_link(out, link);
  if (deps_.broker)
    add_broker(out, deps_.broker->stats());
  http::response response;
  response.headers.push_back({"Content-Type", "text/plain; version=0.0.4"});
  response.body = std::make_shared<const std::string>(out.text());
  return response;
}

} // namespace holt
